package org.mohawk4j.train.data;

/**
 * Cuts a long text where a tokenizer would cut it anyway, so that its encoder never holds the bookkeeping of the whole
 * text at once.
 *
 * <p>A cut lies only before a single space between two letters. Byte-level BPE of the GPT-2 family (Phi's, and that of
 * most open models) starts a token at every such space, so the ids of the pieces, joined, are the ids of the whole. A
 * tokenizer that adds something at the start of its input (a prefix space, say) adds it once a piece.
 */
final class TextPieces {
    private TextPieces() {}

    /**
     * The end of the piece that starts at {@code start}: the last cut within {@code length} characters, else the first
     * cut after them, else the end of the text.
     */
    static int end(String text, int start, int length) {
        if (text.length() - start <= length) {
            return text.length();
        }
        int limit = start + length;
        for (int i = limit; i > start; i--) {
            if (isCut(text, i)) {
                return i;
            }
        }
        for (int i = limit + 1; i < text.length(); i++) {
            if (isCut(text, i)) {
                return i;
            }
        }
        return text.length();
    }

    private static boolean isCut(String text, int i) {
        return i + 1 < text.length()
                && text.charAt(i) == ' '
                && Character.isLetter(text.charAt(i - 1))
                && Character.isLetter(text.charAt(i + 1));
    }
}
