package org.mohawk4j.eval.serve;

import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import org.mohawk4j.eval.likelihood.Ranking;

/**
 * A part of an answer, as it comes.
 *
 * @param choice which continuation it belongs to, from 0
 * @param text that is added, often none
 * @param tokens that are added; their text may come later, or never
 * @param finish {@code stop} or {@code length} in the last piece of a continuation
 */
record TextDelta(int choice, String text, List<Token> tokens, Optional<String> finish) {
    /**
     * A token with what the model thought of it.
     *
     * @param generated whether the model wrote it
     * @param logProb in nats; empty for the first of a prompt, and if none was asked for
     * @param likeliest at its place
     */
    record Token(int id, boolean generated, OptionalDouble logProb, List<Ranking.Entry> likeliest) {
        Token {
            likeliest = List.copyOf(likeliest);
        }
    }

    TextDelta {
        tokens = List.copyOf(tokens);
    }
}
