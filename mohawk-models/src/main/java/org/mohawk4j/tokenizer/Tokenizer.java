package org.mohawk4j.tokenizer;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.OptionalInt;
import java.util.Set;

/** Turns text into token ids and back. Implementations may be used by any number of threads. */
public interface Tokenizer {
    /**
     * The ids of a text of any length, in order: nothing is added at its ends, nothing is cut off. A special token that
     * the text spells out, such as {@code <|endoftext|>}, becomes its id.
     */
    int[] encode(String text);

    /**
     * The ids of a text that a model reads from its start: those of {@link #encode}, behind {@link #beginOfText} unless
     * the text itself begins with that token.
     */
    default int[] encodeFromStart(String text) {
        return behind(beginOfText(), encode(text));
    }

    /** Ids behind a first one, unless they begin with it. */
    static int[] behind(OptionalInt first, int... ids) {
        if (first.isEmpty() || (ids.length > 0 && ids[0] == first.getAsInt())) {
            return ids;
        }
        int[] all = new int[ids.length + 1];
        all[0] = first.getAsInt();
        System.arraycopy(ids, 0, all, 1, ids.length);
        return all;
    }

    /**
     * The text of ids, special tokens spelled out. Bytes that are not UTF-8 become U+FFFD; for ids that arrive one by one
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
    default int stableLength(String text, int... ids) {
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

    /** The id of the BOS token, if texts begin with it. */
    default OptionalInt beginOfText() {
        return OptionalInt.empty();
    }

    /**
     * The id that a model reads where there is no text yet: the BOS token, added to texts or not, or else the one that
     * ends documents; {@code prefix_token_id} of lm-evaluation-harness.
     */
    default OptionalInt prefix() {
        return beginOfText().isPresent() ? beginOfText() : endOfText();
    }

    /** The ids that end what a model writes. */
    default Set<Integer> stops() {
        return endOfText().isPresent() ? Set.of(endOfText().getAsInt()) : Set.of();
    }

    /** The length of a text without U+FFFD at its end. */
    static int withoutReplacements(String text) {
        int length = text.length();
        while (length > 0 && text.charAt(length - 1) == '\uFFFD') {
            length--;
        }
        return length;
    }
}
