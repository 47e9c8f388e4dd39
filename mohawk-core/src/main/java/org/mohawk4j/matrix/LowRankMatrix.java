package org.mohawk4j.matrix;

import java.util.Optional;
import org.mohawk4j.Arguments;
import org.mohawk4j.tensor.Tensor;

/**
 * Causal linear attention, {@code M[t,s] = c_t·b_s} for t ≥ s: a semiseparable matrix that never decays
 * (Katharopoulos et al. 2020, arXiv 2006.16236).
 *
 * @param c [B,T,H,N]
 * @param b [B,T,H,N]
 * @param chunk Q, positions that are multiplied as one dense block
 */
public record LowRankMatrix(Tensor c, Tensor b, int chunk) implements MixingMatrix {
    public LowRankMatrix {
        Arguments.atLeast(1, "low-rank matrix: chunk", chunk);
        Arguments.require(
                c.shape().rank() == 4 && b.shape().equals(c.shape()),
                "low-rank matrix",
                "c and b [B,T,H,N]",
                "c " + c.shape() + ", b " + b.shape());
    }

    /** The same matrix in the more general form. */
    public SemiseparableMatrix asSemiseparable() {
        Tensor noDecay = c.engine().zeros(c.dim(0), c.dim(1), c.dim(2));
        return new SemiseparableMatrix(c, b, noDecay, Optional.empty(), chunk);
    }

    @Override
    public Tensor multiply(Tensor x) {
        return asSemiseparable().multiply(x);
    }

    @Override
    public Tensor materialize() {
        Tensor queries = c.permute(0, 2, 1, 3);
        return queries.matmul(false, b.permute(0, 2, 1, 3), true).tril(0, 0);
    }
}
