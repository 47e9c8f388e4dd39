package org.mohawk4j.op;

import java.util.List;
import java.util.Optional;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.FusedOp;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;

/**
 * A residual sum and its layer normalization, {@code x = h + a + b} and {@code norm(x)}: where one block ends and the next
 * begins. Together they read x once less, and on the way back the gradients of both meet in one pass.
 */
public final class ResidualNormFunction {
    private ResidualNormFunction() {}

    /** A residual stream [..., D] and its normalization. */
    public record Normed(Tensor sum, Tensor normalized) {}

    /** Fused sum and normalization. */
    public interface FusedResidualNorm extends FusedOp {
        /** Sum and normalization [..., D], and what {@link #backward} needs besides the sum. */
        record Result(Array sum, Array normalized, List<Array> saved) {}

        /** Gradients of the stream h [..., D], of each branch in its own type, of weight [D] and bias [D]. */
        record Gradients(Array stream, Array branch, Array weight, Array bias) {}

        /** Whether it adds branches of that type to a stream of this one, without widening it. */
        boolean supports(DType stream, DType branch);

        Result forward(Array h, Array a, Array b, Array weight, Array bias, double epsilon);

        /** @param branch the type of a and b */
        Gradients backward(
                Array sumGradient, Array normalizedGradient, Array sum, Array weight, DType branch, List<Array> saved);
    }

    /**
     * @param h [..., D]
     * @param a the same shape
     * @param b the same shape
     * @param weight [D]
     * @param bias [D]
     * @param epsilon added to the variance
     */
    public static Normed apply(Tensor h, Tensor a, Tensor b, Tensor weight, Tensor bias, double epsilon) {
        LayerNormFunction.requireShapes(h, weight, bias);
        Engine engine = h.engine();
        Optional<FusedResidualNorm> kernel = engine.backend()
                .fused(FusedResidualNorm.class)
                .filter(k -> a.dtype() == b.dtype() && k.supports(h.dtype(), a.dtype()))
                .filter(k -> h.shape().equals(a.shape()) && h.shape().equals(b.shape()));
        if (kernel.isEmpty()) {
            Tensor sum = ResidualFunction.apply(h, a, b);
            return new Normed(sum, LayerNormFunction.apply(sum, weight, bias, epsilon));
        }
        FusedResidualNorm.Result made =
                kernel.get().forward(h.array(), a.array(), b.array(), weight.array(), bias.array(), epsilon);
        Tensor sum = engine.wrap(made.sum());
        DType branch = a.dtype();
        List<Tensor> outputs = engine.fused(
                List.of(h, a, b, weight, bias),
                List.of(sum, weight),
                List.of(sum, engine.wrap(made.normalized())),
                made.saved(),
                (gradients, saved) -> {
                    FusedResidualNorm.Gradients g = kernel.get()
                            .backward(gradients.get(0), gradients.get(1), sum.array(), weight.array(), branch, saved);
                    return List.of(g.stream(), g.branch(), g.branch(), g.weight(), g.bias());
                });
        return new Normed(outputs.get(0), outputs.get(1));
    }
}
