package org.mohawk4j.models;

import org.mohawk4j.Arguments;

/**
 * The linear map from hidden states to logits.
 *
 * @param tied whether its weight is the embedding's, one parameter for both
 * @param bias whether it has a bias; a tied one has none
 * @param softCap bounds the logits, as {@link org.mohawk4j.op.SoftCap} does; 0: no bound
 */
public record HeadConfig(boolean tied, boolean bias, double softCap) {
    /** Logits without bound. */
    public HeadConfig(boolean tied, boolean bias) {
        this(tied, bias, 0);
    }

    public HeadConfig {
        Arguments.notNegative("head: soft-cap", softCap);
        if (tied && bias) {
            throw new IllegalArgumentException("a head tied to the embedding has no bias");
        }
    }
}
