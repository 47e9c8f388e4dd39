package org.mohawk4j.eval.serve;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.mohawk4j.generation.Sampling;

/**
 * What a client asks for, checked.
 *
 * @param prompts each at least one token
 */
record Completion(List<Prompt> prompts, Decoding decoding, Output output) {
    /**
     * How each prompt is continued.
     *
     * @param maxTokens to add at most to each
     * @param choices continuations of each prompt
     * @param seed of the first continuation; each further one has the next
     * @param stop texts that end a continuation and are not part of it
     */
    record Decoding(int maxTokens, int choices, Sampling sampling, long seed, List<String> stop) {
        Decoding {
            stop = List.copyOf(stop);
        }
    }

    /**
     * What is told of it.
     *
     * @param form which of OpenAI's answers it is
     * @param logProbs how many of the likeliest tokens to tell at each place; empty for no log-probabilities at all
     * @param echo whether the answer begins with the prompt
     */
    record Output(Form form, OptionalInt logProbs, boolean echo, boolean stream, boolean usageInStream) {}

    /** The kinds of answers. */
    enum Form {
        TEXT,
        CHAT
    }

    /**
     * A prompt.
     *
     * @param text as it was given; empty if it was given as ids
     * @param start how many of the first ids are none of the text's, but what a model reads before a text: 0 or 1
     */
    record Prompt(List<Integer> ids, Optional<String> text, int start) {
        Prompt {
            ids = List.copyOf(ids);
        }

        /** The ids whose text the continuation follows. */
        int[] before() {
            return Arrays.copyOfRange(toArray(), start, ids.size());
        }

        int[] toArray() {
            return ids.stream().mapToInt(Integer::intValue).toArray();
        }
    }

    Completion {
        prompts = List.copyOf(prompts);
    }

    int promptTokens() {
        return prompts.stream().mapToInt(prompt -> prompt.ids().size()).sum();
    }
}
