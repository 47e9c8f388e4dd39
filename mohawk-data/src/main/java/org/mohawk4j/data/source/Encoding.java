package org.mohawk4j.data.source;

import java.util.Arrays;
import java.util.OptionalInt;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.data.TextEncoder;
import org.mohawk4j.tokenizer.Tokenizer;

/**
 * How documents become token ids.
 *
 * @param encoder of text
 * @param beginOfText the id that each document begins with, if the model is trained with one
 * @param endOfText the id that follows each document
 * @param vocabularySize V of the model that will read them: every id is below it
 * @param textField the field of a JSON line or the column of a table that holds the document
 * @param tokenizer SHA-256 of the tokenizer's file in hexadecimal, which token files must agree with
 */
public record Encoding(
        TextEncoder encoder,
        OptionalInt beginOfText,
        int endOfText,
        int vocabularySize,
        String textField,
        String tokenizer) {
    /** Checks that the tokens around a document are in the vocabulary. */
    public Encoding {
        requireToken("an end-of-text token", endOfText, vocabularySize);
        beginOfText.ifPresent(id -> requireToken("a BOS token", id, vocabularySize));
    }

    /** Documents that begin with their text. */
    public Encoding(TextEncoder encoder, int endOfText, int vocabularySize, String textField, String tokenizer) {
        this(encoder, OptionalInt.empty(), endOfText, vocabularySize, textField, tokenizer);
    }

    private static void requireToken(String name, int id, int vocabularySize) {
        if (id < 0 || id >= vocabularySize) {
            throw new InvalidInputException("tokenizer: expected " + name + " from 0 to " + (vocabularySize - 1)
                    + ", the model's vocabulary, found " + id);
        }
    }

    /**
     * The ids of a whole document: what it begins with, its text unless that is empty, and what it ends with.
     *
     * @param where the text comes from, for the message
     */
    int[] document(String text, String where) {
        int[] begun = begin(text, where);
        int[] ids = Arrays.copyOf(begun, begun.length + 1);
        ids[begun.length] = endOfText;
        return ids;
    }

    /** The ids of the beginning of a document: a BOS token that the text spells out itself is not added again. */
    int[] begin(String text, String where) {
        return Tokenizer.behind(beginOfText, encode(text, where));
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
