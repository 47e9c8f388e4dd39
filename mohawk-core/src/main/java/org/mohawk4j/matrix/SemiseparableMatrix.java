package org.mohawk4j.matrix;

import java.util.Optional;
import org.mohawk4j.functional.SemiseparableFunction;
import org.mohawk4j.functional.SkipFunction;
import org.mohawk4j.tensor.Tensor;

/**
 * The matrix of a state-space layer with scalar decay (Mamba-2, arXiv 2405.21060):
 * {@code M[t,s] = exp(sum of logDecay over s+1..t) c_t·b_s} for t ≥ s, plus {@code skip} on the diagonal.
 *
 * @param c [B,T,G,N]; G divides H, group g serves heads g·H/G and following
 * @param b [B,T,G,N]
 * @param logDecay [B,T,H], at most 0
 * @param skip [H]
 * @param chunk Q, positions that are multiplied as one dense block
 */
public record SemiseparableMatrix(Tensor c, Tensor b, Tensor logDecay, Optional<Tensor> skip, int chunk)
        implements MixingMatrix {
    @Override
    public Tensor multiply(Tensor x) {
        return multiply(x, Optional.empty()).y();
    }

    /** As {@link #multiply(Tensor)}, continued from a state [B,H,P,N]; gives the state after the last position too. */
    public SemiseparableFunction.Result multiply(Tensor x, Optional<Tensor> state) {
        SemiseparableFunction.Result result =
                SemiseparableFunction.apply(new SemiseparableFunction.Inputs(x, b, c, logDecay, state), chunk);
        Tensor y = skip.map(d -> SkipFunction.apply(result.y(), x, d)).orElse(result.y());
        return new SemiseparableFunction.Result(y, result.state());
    }

    @Override
    public Tensor materialize() {
        Tensor matrix = SemiseparableFunction.matrix(b, c, logDecay);
        return skip.map(d -> matrix.add(diagonal(d))).orElse(matrix);
    }

    /** [H] to [H,T,T] with each head's value on the diagonal. */
    private Tensor diagonal(Tensor values) {
        long time = c.dim(1);
        Tensor lower = c.engine().full(1, time, time).lowerTriangle(0, 0);
        Tensor identity = lower.sub(lower.lowerTriangle(-1, 0));
        return identity.mul(values.reshape(-1, 1, 1));
    }
}
