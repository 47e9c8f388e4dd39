package org.mohawk4j.op;

import org.mohawk4j.Arguments;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;

/**
 * Scale, soft-cap and window of attention scores.
 *
 * @param scale multiplies them
 * @param softCap bounds the scaled scores, as {@link SoftCap} does; 0: no bound
 * @param window the most keys that a query sees, its own included: the last ones; 0: all
 */
public record AttentionScores(double scale, double softCap, long window) {
    public AttentionScores {
        Arguments.require(Double.isFinite(scale), "attention: scale", "a finite number", scale);
        Arguments.notNegative("attention: soft-cap", softCap);
        Arguments.atLeast(0, "attention: window", window);
    }

    /** Scaled, and nothing else. */
    public static AttentionScores scaled(double scale) {
        return new AttentionScores(scale, 0, 0);
    }

    /** Scaled by 1/√P, as heads of P entries usually are. */
    public static AttentionScores ofHeads(long headDim) {
        return scaled(1 / Math.sqrt(headDim));
    }

    /** The same among that many keys, without a window that they all fit into. */
    AttentionScores among(long keys) {
        return window >= keys ? new AttentionScores(scale, softCap, 0) : this;
    }

    /** Whether all that happens among that many keys is that products are scaled and the future is masked. */
    public boolean isPlain(long keys) {
        return softCap == 0 && (window == 0 || window >= keys);
    }

    /**
     * The attention matrix of scores.
     *
     * @param products of queries and keys, scaled already, [B,H,Tq,T]; the queries are the last positions
     */
    Tensor weights(Tensor products) {
        Tensor scores = SoftCap.apply(products, softCap);
        long queries = scores.dim(2);
        long keys = scores.dim(3);
        Tensor causal = scores.tril(keys - queries, AttentionFunction.MASKED);
        return (window == 0 || window >= keys ? causal : causal.add(beforeWindow(causal))).softmax();
    }

    /** {@link AttentionFunction#MASKED} for keys that have left the window, else 0; [Tq,T]. */
    private Tensor beforeWindow(Tensor scores) {
        Engine engine = scores.engine();
        long queries = scores.dim(2);
        long keys = scores.dim(3);
        return engine.full(AttentionFunction.MASKED, queries, keys)
                .cast(scores.dtype())
                .tril(keys - queries - window, 0);
    }
}
