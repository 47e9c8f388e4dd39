package org.mohawk4j.tokenizer;

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

    /** V: every id is below it. A model's embedding may have more rows. */
    int vocabularySize();

    /** The id that ends a document, if the tokenizer has one. */
    OptionalInt endOfText();
}
