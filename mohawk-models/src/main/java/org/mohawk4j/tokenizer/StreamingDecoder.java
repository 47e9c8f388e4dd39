package org.mohawk4j.tokenizer;

import java.util.Arrays;

/**
 * Decodes ids one by one, as generation makes them. A token may end in the middle of a character: what comes out is
 * whole characters only, and all pieces together are what decoding all ids at once gives. Not for several threads.
 */
public final class StreamingDecoder {
    private static final char REPLACEMENT = '\uFFFD';

    private final Tokenizer tokenizer;

    /** The ids since the last but one time that the text ended with a whole character: decoders may look back. */
    private int[] window = new int[16];

    private int size;
    private int settled;
    private int emitted;

    /** A decoder at the start of a text. */
    public StreamingDecoder(Tokenizer tokenizer) {
        this.tokenizer = tokenizer;
    }

    /**
     * Adds an id.
     *
     * @return the characters that are now certain, often none
     * @throws IllegalArgumentException if the id is not in the vocabulary
     */
    public String next(int id) {
        if (size == window.length) {
            window = Arrays.copyOf(window, size * 2);
        }
        window[size++] = id;
        String text = tokenizer.decode(Arrays.copyOf(window, size));
        boolean whole = text.isEmpty() || text.charAt(text.length() - 1) != REPLACEMENT;
        int certain = whole ? text.length() : text.length() - 1;
        String out = text.substring(Math.min(emitted, certain), certain);
        if (whole) {
            System.arraycopy(window, settled, window, 0, size - settled);
            size -= settled;
            settled = size;
            emitted = tokenizer.decode(Arrays.copyOf(window, size)).length();
        } else {
            emitted = Math.max(emitted, certain);
        }
        return out;
    }

    /** Ends the text: the rest, with U+FFFD for a character that was never completed. */
    public String finish() {
        String text = tokenizer.decode(Arrays.copyOf(window, size));
        String out = text.substring(Math.min(emitted, text.length()));
        size = 0;
        settled = 0;
        emitted = 0;
        return out;
    }
}
