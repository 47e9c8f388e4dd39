package org.mohawk4j.op;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.FusedOp;
import org.mohawk4j.op.ResidualNormFunction.Normed;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;

/**
 * A residual sum and its RMS normalization, {@code x = h + a} and {@code norm(x)}: behind every mixer and every MLP of a
 * decoder with RMS norms. As {@link ResidualNormFunction}.
 */
public final class ResidualRmsNormFunction {
    private ResidualRmsNormFunction() {}

    /** Fused sum and normalization. */
    public interface FusedResidualRmsNorm extends FusedOp {
        /** Sum and normalization [..., D], and what {@link #backward} needs besides the sum. */
        record Result(Array sum, Array normalized, List<Array> saved) {}

        /** Gradients of the stream h [..., D], of the branch in its own type, and of weight [D]. */
        record Gradients(Array stream, Array branch, Array weight) {}

        /** Whether it adds a branch of that type to a stream of this one, without widening it. */
        boolean supports(DType stream, DType branch);

        Result forward(Array h, Array a, Array weight, double epsilon);

        /** @param branch the type of a */
        Gradients backward(
                Array sumGradient, Array normalizedGradient, Array sum, Array weight, DType branch, List<Array> saved);
    }

    /**
     * @param h [..., D]
     * @param a the same shape
     * @param weight [D]
     * @param epsilon added to the mean of squares
     * @return the normalization in the type of products, as linear maps follow
     */
    public static Normed apply(Tensor h, Tensor a, Tensor weight, double epsilon) {
        RmsNormFunction.requireShapes(h, weight);
        Engine engine = h.engine();
        Optional<FusedResidualRmsNorm> kernel = engine.backend()
                .fused(FusedResidualRmsNorm.class)
                .filter(k -> h.shape().equals(a.shape()) && k.supports(h.dtype(), a.dtype()));
        if (kernel.isEmpty()) {
            Tensor sum = h.add(a);
            return new Normed(sum, RmsNormFunction.apply(sum, weight, epsilon));
        }
        FusedResidualRmsNorm.Result made = kernel.get().forward(h.array(), a.array(), weight.array(), epsilon);
        Tensor sum = engine.wrap(made.sum());
        List<Tensor> extra = made.saved().stream().map(engine::wrap).toList();
        DType branch = a.dtype();
        List<Tensor> outputs = engine.record(
                List.of(sum, engine.wrap(made.normalized())),
                List.of(h, a, weight),
                gradients -> {
                    FusedResidualRmsNorm.Gradients g = kernel.get()
                            .backward(
                                    gradients.get(0).array(),
                                    gradients.get(1).array(),
                                    sum.array(),
                                    weight.array(),
                                    branch,
                                    extra.stream().map(Tensor::array).toList());
                    return List.of(engine.wrap(g.stream()), engine.wrap(g.branch()), engine.wrap(g.weight()));
                },
                Stream.concat(Stream.of(sum, weight), extra.stream()).toArray(Tensor[]::new));
        return new Normed(outputs.get(0), outputs.get(1));
    }
}
