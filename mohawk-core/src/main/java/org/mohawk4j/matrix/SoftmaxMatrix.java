package org.mohawk4j.matrix;

import org.mohawk4j.functional.AttentionFunction;
import org.mohawk4j.tensor.Tensor;

/**
 * Causal softmax attention, {@code M = softmax(scale · Q Kᵀ)}.
 *
 * @param q [B,T,H,P], position embedding applied
 * @param k [B,T,G,P], likewise; G divides H
 */
public record SoftmaxMatrix(Tensor q, Tensor k, double scale) implements MixingMatrix {
    /** @param x [B,T,G,P] or [B,T,H,P] */
    @Override
    public Tensor multiply(Tensor x) {
        return AttentionFunction.apply(q, k, x, scale);
    }

    @Override
    public Tensor materialize() {
        return AttentionFunction.weights(q, k, scale);
    }
}
