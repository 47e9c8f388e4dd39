package org.mohawk4j.matrix;

import java.util.Optional;
import org.mohawk4j.Arguments;
import org.mohawk4j.op.SemiseparableFunction;
import org.mohawk4j.op.SkipFunction;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;

/**
 * The matrix of a state-space layer with scalar decay (Mamba-2, arXiv 2405.21060):
 * {@code M[t,s] = exp(sum of logDecay over s+1..t) c_t·b_s} for t ≥ s, plus {@code skip} on the diagonal.
 *
 * @param c [B,T,G,N]; G divides H, group g serves heads g·H/G and following
 * @param b [B,T,G,N]
 * @param logDecay [B,T,H], at most 0; kept in the type of parameters, as is skip
 * @param skip [H]
 * @param chunk Q, positions that are multiplied as one dense block
 */
public record SemiseparableMatrix(Tensor c, Tensor b, Tensor logDecay, Optional<Tensor> skip, int chunk)
        implements MixingMatrix {
    public SemiseparableMatrix {
        Arguments.atLeast(1, "semiseparable matrix: chunk", chunk);
        boolean fits = c.shape().rank() == 4
                && b.shape().equals(c.shape())
                && logDecay.shape().rank() == 3
                && logDecay.dim(0) == c.dim(0)
                && logDecay.dim(1) == c.dim(1)
                && logDecay.dim(2) % c.dim(2) == 0
                && (skip.isEmpty() || skip.get().shape().equals(Shape.of(logDecay.dim(2))));
        Arguments.require(
                fits,
                "semiseparable matrix",
                "c and b [B,T,G,N], logDecay [B,T,H] and skip [H]",
                "c " + c.shape() + ", b " + b.shape() + ", logDecay " + logDecay.shape()
                        + skip.map(d -> ", skip " + d.shape()).orElse(""));
        DType exact = c.engine().parameterType();
        logDecay = logDecay.cast(exact);
        skip = skip.map(d -> d.cast(exact));
    }

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
        Tensor lower = c.engine().full(1, time, time).tril(0, 0);
        Tensor identity = lower.sub(lower.tril(-1, 0));
        return identity.mul(values.reshape(-1, 1, 1));
    }
}
