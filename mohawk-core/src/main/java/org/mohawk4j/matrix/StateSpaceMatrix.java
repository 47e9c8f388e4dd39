package org.mohawk4j.matrix;

import java.util.ArrayList;
import java.util.List;
import org.mohawk4j.Arguments;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.Shape;

/**
 * The general semiseparable matrix, that of a linear system which changes with time:
 * {@code M[t,s] = c_t · A_t A_(t-1) ··· A_(s+1) b_s} for t ≥ s. Every lower triangular matrix whose blocks on and below
 * the diagonal have at most rank N is one (Mamba-2, arXiv 2405.21060, section 3).
 *
 * @param transitions A, [B,T,H,N,N]; that of the first position is not used
 * @param b [B,T,H,N]
 * @param c [B,T,H,N]
 */
public record StateSpaceMatrix(Tensor transitions, Tensor b, Tensor c) implements MixingMatrix {
    public StateSpaceMatrix {
        boolean fits = b.shape().rank() == 4
                && c.shape().equals(b.shape())
                && transitions.shape().equals(Shape.of(b.dim(0), b.dim(1), b.dim(2), b.dim(3), b.dim(3)));
        Arguments.require(
                fits,
                "state-space matrix",
                "transitions [B,T,H,N,N], b and c [B,T,H,N]",
                "transitions " + transitions.shape() + ", b " + b.shape() + ", c " + c.shape());
    }

    /** Position by position, with a state of N·P numbers per head: T·T numbers never exist. */
    @Override
    public Tensor multiply(Tensor x) {
        long batch = x.dim(0);
        long time = x.dim(1);
        long heads = x.dim(2);
        long width = x.dim(3);
        long states = b.dim(3);
        Tensor state = x.engine().zeros(batch, heads, states, width);
        List<Tensor> outputs = new ArrayList<>();
        for (long t = 0; t < time; t++) {
            Tensor column = b.narrow(1, t, 1).reshape(batch, heads, states, 1);
            Tensor entered = column.matmul(x.narrow(1, t, 1).reshape(batch, heads, 1, width));
            state = t == 0
                    ? entered
                    : transitions
                            .narrow(1, t, 1)
                            .reshape(batch, heads, states, states)
                            .matmul(state)
                            .add(entered);
            Tensor row = c.narrow(1, t, 1).reshape(batch, heads, 1, states);
            outputs.add(row.matmul(state).reshape(batch, 1, heads, width));
        }
        return Tensor.concat(1, outputs);
    }

    @Override
    public Tensor materialize() {
        long time = b.dim(1);
        Tensor lower = b.engine().full(1, time, time).tril(0, 0);
        Tensor identity = lower.sub(lower.tril(-1, 0))
                .reshape(1, time, 1, time)
                .broadcastTo(Shape.of(b.dim(0), time, b.dim(2), time));
        return multiply(identity).permute(0, 2, 1, 3);
    }
}
