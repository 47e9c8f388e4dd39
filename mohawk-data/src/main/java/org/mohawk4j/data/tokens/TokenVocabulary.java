package org.mohawk4j.data.tokens;

import java.util.OptionalInt;

/**
 * What ids of a token file mean.
 *
 * @param size V: every id is below it
 * @param beginOfText the id that each document begins with, if they begin with one
 * @param endOfText the id that ends each document
 * @param tokenizer SHA-256 of the tokenizer's file in hexadecimal, or {@link TokenFile#UNKNOWN_TOKENIZER}
 */
public record TokenVocabulary(int size, OptionalInt beginOfText, int endOfText, String tokenizer) {
    /** Of documents without a BOS token. */
    public TokenVocabulary(int size, int endOfText, String tokenizer) {
        this(size, OptionalInt.empty(), endOfText, tokenizer);
    }
}
