package org.mohawk4j.tokenizer;

/**
 * Where long texts are cut to be encoded: a tokenizer takes some hundred bytes of memory for each byte of what it gets
 * at once. A piece ends before whitespace that follows a visible ASCII character, where byte-level tokenizers of the
 * GPT-2 kind begin a word in any case; without such a place, between two characters.
 */
public final class TextPieces {
    /** What a piece has at most, in UTF-8. */
    public static final int MAX_BYTES = 1 << 18;

    /** Of a UTF-16 unit; halves of surrogate pairs count two each. */
    private static final int MOST_BYTES_OF_UNIT = 3;

    private TextPieces() {}

    /** Whether a piece may end between two characters. */
    public static boolean isBorder(int before, int after) {
        return (after == ' ' || after == '\n' || after == '\r' || after == '\t') && before > ' ' && before < 0x7f;
    }

    /**
     * The end of the piece that begins at a place.
     *
     * @param text without halves of surrogate pairs
     * @return the text's length if all that is left has less than {@value #MAX_BYTES} bytes
     */
    static int end(String text, int start) {
        if (text.length() - start < MAX_BYTES / MOST_BYTES_OF_UNIT) {
            return text.length();
        }
        int border = start;
        int whole = start;
        int bytes = 0;
        for (int i = start; i < text.length(); i++) {
            char c = text.charAt(i);
            bytes += c < 0x80 ? 1 : c < 0x800 || Character.isSurrogate(c) ? 2 : MOST_BYTES_OF_UNIT;
            if (bytes > MAX_BYTES) {
                return border > start ? border : whole;
            }
            border = i > start && isBorder(text.charAt(i - 1), c) ? i : border;
            whole = Character.isHighSurrogate(c) ? whole : i + 1;
        }
        return bytes < MAX_BYTES ? text.length() : border > start ? border : whole;
    }
}
