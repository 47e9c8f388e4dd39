package org.mohawk4j.train.report;

/**
 * How well a model predicts the validation text.
 *
 * @param name such as {@code teacher} or {@code student}
 * @param nllPerToken mean negative log likelihood of a token, in nats
 * @param tokens predicted
 * @param tokensPerSecond of the evaluation
 */
public record ModelScore(String name, double nllPerToken, long tokens, double tokensPerSecond) {
    /** e to the mean negative log likelihood. */
    public double perplexity() {
        return Math.exp(nllPerToken);
    }
}
