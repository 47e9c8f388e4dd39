package org.mohawk4j.op;

import java.util.List;
import java.util.Optional;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.FusedOp;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.Shape;

/** Layer normalization over the last axis with scale and shift (Ba et al. 2016), biased variance. */
public final class LayerNormFunction {
    private LayerNormFunction() {}

    /** Fused normalization. */
    public interface FusedLayerNorm extends FusedOp {
        /** Output [..., D], and what {@link #backward} needs. */
        record Result(Array output, List<Array> saved) {}

        /** Gradients of input [..., D], weight [D] and bias [D]. */
        record Gradients(Array input, Array weight, Array bias) {}

        Result forward(Array x, Array weight, Array bias, double epsilon);

        Gradients backward(Array outputGradient, Array x, Array weight, List<Array> saved);
    }

    /**
     * @param x [..., D]
     * @param weight [D]
     * @param bias [D]
     * @param epsilon added to the variance
     */
    public static Tensor apply(Tensor x, Tensor weight, Tensor bias, double epsilon) {
        requireShapes(x, weight, bias);
        Engine engine = x.engine();
        Optional<FusedLayerNorm> kernel = engine.backend().fused(FusedLayerNorm.class);
        if (kernel.isEmpty()) {
            return reference(x, weight, bias, epsilon);
        }
        FusedLayerNorm.Result made = kernel.get().forward(x.array(), weight.array(), bias.array(), epsilon);
        return engine.fused(
                List.of(x, weight, bias), List.of(x, weight), made.output(), made.saved(), (gradients, saved) -> {
                    FusedLayerNorm.Gradients g =
                            kernel.get().backward(gradients.get(0), x.array(), weight.array(), saved);
                    return List.of(g.input(), g.weight(), g.bias());
                });
    }

    static void requireShapes(Tensor x, Tensor weight, Tensor bias) {
        boolean fits = x.shape().rank() > 0
                && weight.shape().equals(Shape.of(x.dim(-1)))
                && bias.shape().equals(weight.shape());
        if (!fits) {
            throw new IllegalArgumentException("layer norm needs x [..., D], weight and bias [D]; got x " + x.shape()
                    + ", weight " + weight.shape() + ", bias " + bias.shape());
        }
    }

    public static Tensor reference(Tensor x, Tensor weight, Tensor bias, double epsilon) {
        Tensor centered = x.sub(x.mean(-1, true));
        Tensor deviation = centered.square().mean(-1, true).add(epsilon).sqrt();
        return centered.div(deviation).mul(weight).add(bias);
    }
}
