package org.mohawk4j.tokenizer;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.OptionalInt;

/** Turns text into token ids and back. Implementations may be used by any number of threads. */
public interface Tokenizer {
    /**
     * The ids of a text of any length, in order: nothing is added at its ends, nothing is cut off. A special token that
     * the text spells out, such as {@code <|endoftext|>}, becomes its id.
     */
    int[] encode(String text);

    /**
     * The text of ids, special tokens spelt out. Bytes that are not UTF-8 become U+FFFD; for ids that arrive one by one
     * see {@link StreamingDecoder}.
     *
     * @throws IllegalArgumentException if an id is not in {@code 0 .. vocabularySize() - 1}
     */
    String decode(int... ids);

    /**
     * How much of the text of ids stays as it is, whatever ids follow them. All of it but U+FFFD at its end, which may
     * become a character, unless a tokenizer knows better.
     *
     * @param text what {@link #decode} gives for these ids
     * @return characters, from 0 to the length of the text
     */
    default int settledLength(String text, int... ids) {
        return withoutReplacements(text);
    }

    /**
     * The bytes that an id adds to a text that has begun: UTF-8, or a part of a character in it.
     *
     * @throws IllegalArgumentException if the id is not in {@code 0 .. vocabularySize() - 1}
     */
    default byte[] bytes(int id) {
        return decode(id).getBytes(UTF_8);
    }

    /** V: every id is below it. A model's embedding may have more rows. */
    int vocabularySize();

    /** The id that ends a document, if the tokenizer has one. */
    OptionalInt endOfText();

    /** The length of a text without U+FFFD at its end. */
    static int withoutReplacements(String text) {
        int length = text.length();
        while (length > 0 && text.charAt(length - 1) == '\uFFFD') {
            length--;
        }
        return length;
    }
}
