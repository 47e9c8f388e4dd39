package org.mohawk4j.data.source;

import org.mohawk4j.InvalidInputException;
import org.mohawk4j.data.TextEncoder;

/**
 * How documents become token ids.
 *
 * @param encoder of text
 * @param endOfText the id that follows each document
 * @param vocabularySize V of the model that will read them: every id is below it
 * @param textField the field of a JSON line or the column of a table that holds the document
 * @param tokenizer SHA-256 of the tokenizer's file in hexadecimal, which token files must agree with
 */
public record Encoding(TextEncoder encoder, int endOfText, int vocabularySize, String textField, String tokenizer) {
    /** Checks that the end-of-text token is in the vocabulary. */
    public Encoding {
        if (endOfText < 0 || endOfText >= vocabularySize) {
            throw new InvalidInputException("tokenizer: expected an end-of-text token from 0 to " + (vocabularySize - 1)
                    + ", the model's vocabulary, found " + endOfText);
        }
    }

    /**
     * The ids of a text, checked.
     *
     * @param where the text comes from, for the message
     */
    int[] encode(String text, String where) {
        int[] ids = encoder.encode(text);
        requireVocabulary(ids, where);
        return ids;
    }

    /** Checks ids. */
    void requireVocabulary(int[] ids, String where) {
        for (int i = 0; i < ids.length; i++) {
            if (ids[i] < 0 || ids[i] >= vocabularySize) {
                throw new InvalidInputException(where + ": expected token ids from 0 to " + (vocabularySize - 1)
                        + ", the model's vocabulary, found " + ids[i] + " at token " + i);
            }
        }
    }
}
