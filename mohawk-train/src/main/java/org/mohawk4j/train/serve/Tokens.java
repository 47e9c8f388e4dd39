package org.mohawk4j.train.serve;

import java.util.Arrays;
import org.mohawk4j.tokenizer.Tokenizer;

/** The text of tokens, where a model may have more of them than its tokenizer has words. */
final class Tokens {
    private Tokens() {}

    /** The text of a sequence; ids without a word have none. */
    static String text(Tokenizer tokenizer, int... ids) {
        return tokenizer.decode(
                Arrays.stream(ids).filter(id -> id < tokenizer.vocabularySize()).toArray());
    }

    /** A single token as it is named in lists of log-probabilities: never empty, so that it can be told apart. */
    static String name(Tokenizer tokenizer, int id) {
        String text = text(tokenizer, id);
        return text.isEmpty() ? "token_id:" + id : text;
    }
}
