package org.mohawk4j.tokenizer;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Decodes ids as generation makes them. A token may end in the middle of a character, or read otherwise with what
 * follows: what comes out is settled, and all pieces together are what decoding all ids at once gives. Ids beyond the
 * tokenizer's vocabulary, which a model's padded embedding has, add nothing. Not for several threads.
 */
public final class StreamingDecoder {
    /** So many ids at the end of a text tell where it is settled. */
    private static final int ONE_BY_ONE = 64;

    private final Tokenizer tokenizer;

    /** The ids since the last but one time that the text was settled, and gave text: decoders look back. */
    private int[] window = new int[16];

    private int size;
    private int emitted;

    /** Of the window's ids, those whose text is settled, and the length of that text. */
    private int settledIds;

    private int stableLength;

    /** The code points of the text up to there. */
    private int settledPoints;

    private final Tail tail = new Tail();

    /** A decoder at the start of a text. */
    public StreamingDecoder(Tokenizer tokenizer) {
        this.tokenizer = tokenizer;
    }

    /**
     * A decoder behind a text that is there already, such as a prompt: only what follows its whole characters comes out.
     *
     * @param ids of that text
     */
    public static StreamingDecoder behind(Tokenizer tokenizer, int... ids) {
        StreamingDecoder decoder = new StreamingDecoder(tokenizer);
        int last = Math.max(0, ids.length - ONE_BY_ONE);
        decoder.next(Arrays.copyOf(ids, last));
        for (int id : Arrays.copyOfRange(ids, last, ids.length)) {
            decoder.next(id);
        }
        String text = decoder.text();
        decoder.emitted = Tokenizer.withoutReplacements(text) == text.length()
                ? text.length()
                : Math.max(
                        decoder.emitted,
                        decoder.stableLength + decoder.wholeTail().length());
        return decoder;
    }

    /**
     * Adds ids.
     *
     * @return the characters that are now certain, often none
     * @throws IllegalArgumentException if an id is negative
     */
    public String next(int... ids) {
        for (int id : ids) {
            if (id < tokenizer.vocabularySize()) {
                window = size == window.length ? Arrays.copyOf(window, size * 2) : window;
                window[size++] = id;
            }
        }
        String text = text();
        int certain = tokenizer.stableLength(text, Arrays.copyOf(window, size));
        String out = text.substring(Math.min(emitted, certain), certain);
        emitted = Math.max(emitted, certain);
        if (text.isEmpty()) {
            tail.clear(size);
        } else if (certain == text.length()) {
            settle(text);
        }
        return out;
    }

    private String text() {
        return tokenizer.decode(Arrays.copyOf(window, size));
    }

    /** Where the text of the next id begins: how many code points of the text are whole before it. */
    public int position() {
        String whole = wholeTail();
        return settledPoints + whole.codePointCount(0, whole.length());
    }

    /** Ends the text: the rest, with U+FFFD for a character that was never completed. */
    public String finish() {
        String text = text();
        String out = text.substring(Math.min(emitted, text.length()));
        size = 0;
        settledIds = 0;
        stableLength = 0;
        settledPoints = 0;
        emitted = 0;
        tail.clear(0);
        return out;
    }

    private void settle(String text) {
        settledPoints += text.codePointCount(Math.min(stableLength, text.length()), text.length());
        String recent = tokenizer.decode(Arrays.copyOfRange(window, settledIds, size));
        if (recent.isEmpty()) {
            // without text these ids may not be enough to look back on
            stableLength = text.length();
        } else {
            System.arraycopy(window, settledIds, window, 0, size - settledIds);
            size -= settledIds;
            stableLength = recent.length();
        }
        emitted = stableLength;
        settledIds = size;
        tail.clear(size);
    }

    /** The characters that are whole behind the settled text, as far as bytes tell. */
    private String wholeTail() {
        while (tail.ids < size) {
            tail.add(tokenizer.bytes(window[tail.ids]));
        }
        return tail.text.toString();
    }

    /** Bytes of ids in a row as text, except for a partial character at their end. */
    private static final class Tail {
        private final CharsetDecoder utf8 = StandardCharsets.UTF_8
                .newDecoder()
                .onMalformedInput(CodingErrorAction.REPLACE)
                .onUnmappableCharacter(CodingErrorAction.REPLACE);

        private final StringBuilder text = new StringBuilder();
        private byte[] part = {};

        /** Up to which of the window's ids bytes were added. */
        private int ids;

        void clear(int to) {
            text.setLength(0);
            part = new byte[0];
            ids = to;
        }

        void add(byte... bytes) {
            ByteBuffer in = ByteBuffer.allocate(part.length + bytes.length)
                    .put(part)
                    .put(bytes)
                    .flip();
            CharBuffer out = CharBuffer.allocate(in.remaining());
            utf8.reset().decode(in, out, false);
            text.append(out.flip());
            part = new byte[in.remaining()];
            in.get(part);
            ids++;
        }
    }
}
