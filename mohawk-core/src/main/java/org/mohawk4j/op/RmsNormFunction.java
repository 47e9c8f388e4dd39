package org.mohawk4j.op;

import java.util.List;
import java.util.Optional;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.FusedOp;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.Shape;

/**
 * Root mean square normalization over the last axis with scale (Zhang and Sennrich 2019, arXiv 1910.07467),
 * {@code x / sqrt(mean(x²) + epsilon) · weight}. Statistics are computed in the type of parameters.
 */
public final class RmsNormFunction {
    private RmsNormFunction() {}

    /** Fused normalization. */
    public interface FusedRmsNorm extends FusedOp {
        /** Output [..., D], and what {@link #backward} needs besides the inputs. */
        record Result(Array output, List<Array> saved) {}

        /** Gradients of input [..., D] and weight [D]. */
        record Gradients(Array input, Array weight) {}

        Result forward(Array x, Array weight, double epsilon);

        Gradients backward(Array outputGradient, Array x, Array weight, List<Array> saved);
    }

    /**
     * @param x [..., D]
     * @param weight [D]
     * @param epsilon added to the mean of squares
     * @return [..., D] in the type of products, as linear maps follow
     */
    public static Tensor apply(Tensor x, Tensor weight, double epsilon) {
        requireShapes(x, weight);
        Engine engine = x.engine();
        Optional<FusedRmsNorm> kernel = engine.backend().fused(FusedRmsNorm.class);
        if (kernel.isEmpty()) {
            return reference(x, weight, epsilon).cast(engine.backend().productType());
        }
        FusedRmsNorm.Result made = kernel.get().forward(x.array(), weight.array(), epsilon);
        return engine.fused(List.of(x, weight), List.of(x, weight), made.output(), made.saved(), (gradients, saved) -> {
            FusedRmsNorm.Gradients g = kernel.get().backward(gradients.get(0), x.array(), weight.array(), saved);
            return List.of(g.input(), g.weight());
        });
    }

    static void requireShapes(Tensor x, Tensor weight) {
        if (x.shape().rank() == 0 || !weight.shape().equals(Shape.of(x.dim(-1)))) {
            throw new IllegalArgumentException(
                    "RMS norm needs x [..., D], weight [D]; got x " + x.shape() + ", weight " + weight.shape());
        }
    }

    public static Tensor reference(Tensor x, Tensor weight, double epsilon) {
        Tensor wide = x.cast(x.engine().parameterType());
        Tensor root = wide.square().mean(-1, true).add(epsilon).sqrt();
        return wide.div(root).mul(weight);
    }
}
