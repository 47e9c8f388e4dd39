package org.mohawk4j.models;

/**
 * The linear map from hidden states to logits.
 *
 * @param tied whether its weight is the embedding's, one parameter for both
 * @param bias whether it has a bias; a tied one has none
 */
public record HeadConfig(boolean tied, boolean bias) {
    public HeadConfig {
        if (tied && bias) {
            throw new IllegalArgumentException("a head tied to the embedding has no bias");
        }
    }
}
