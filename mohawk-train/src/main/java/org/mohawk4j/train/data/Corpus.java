package org.mohawk4j.train.data;

import org.mohawk4j.InvalidInputException;

/** Texts to train on. */
public interface Corpus {
    /**
     * A stream of batches of these texts from its start.
     *
     * @param context T
     * @param batch B
     * @param seed of the order
     * @throws InvalidInputException if the texts do not hold one window
     */
    BatchStream batches(int context, int batch, long seed);

    /** One text in memory. */
    static Corpus of(TokenSequence text) {
        return (context, batch, seed) -> new BatchSampler(new TokenWindows(text, context), batch, seed);
    }
}
