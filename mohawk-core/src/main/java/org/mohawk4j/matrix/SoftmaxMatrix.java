package org.mohawk4j.matrix;

import org.mohawk4j.Arguments;
import org.mohawk4j.op.AttentionFunction;
import org.mohawk4j.op.AttentionScores;
import org.mohawk4j.tensor.Tensor;

/**
 * Causal softmax attention, {@code M = softmax(scores(Q Kᵀ))}.
 *
 * @param q [B,T,H,P], position embedding applied
 * @param k [B,T,G,P], likewise; G divides H
 */
public record SoftmaxMatrix(Tensor q, Tensor k, AttentionScores scores) implements MixingMatrix {
    public SoftmaxMatrix {
        boolean fits = q.shape().rank() == 4
                && k.shape().rank() == 4
                && q.dim(0) == k.dim(0)
                && q.dim(1) == k.dim(1)
                && q.dim(2) % k.dim(2) == 0
                && q.dim(3) == k.dim(3);
        Arguments.require(fits, "softmax matrix", "q [B,T,H,P] and k [B,T,G,P]", "q " + q.shape() + ", k " + k.shape());
    }

    /** With scores that are scaled and nothing else. */
    public SoftmaxMatrix(Tensor q, Tensor k, double scale) {
        this(q, k, AttentionScores.scaled(scale));
    }

    /** What multiplies the scores. */
    public double scale() {
        return scores.scale();
    }

    /** @param x [B,T,G,P] or [B,T,H,P] */
    @Override
    public Tensor multiply(Tensor x) {
        return AttentionFunction.apply(q, k, x, scores);
    }

    @Override
    public Tensor materialize() {
        return AttentionFunction.weights(q, k, scores);
    }

    @Override
    public Tensor materialize(int head) {
        long group = head / (q.dim(2) / k.dim(2));
        return new SoftmaxMatrix(q.narrow(2, head, 1), k.narrow(2, group, 1), scores).materialize();
    }
}
