package org.mohawk4j.op;

import java.util.List;
import java.util.Optional;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.FusedOp;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.Shape;

/** A state-space layer's way around its state, {@code y + skip x} with one number for each head. */
public final class SkipFunction {
    private SkipFunction() {}

    /** Fused product and sum. */
    public interface FusedSkip extends FusedOp {
        /** Gradients of x [..., H,P] and skip [H]; that of y is the output's. */
        record Gradients(Array x, Array skip) {}

        Array forward(Array y, Array x, Array skip);

        Gradients backward(Array outputGradient, Array x, Array skip);
    }

    /**
     * @param y [..., H,P]
     * @param x the same shape
     * @param skip [H]
     */
    public static Tensor apply(Tensor y, Tensor x, Tensor skip) {
        requireShapes(y, x, skip);
        Engine engine = x.engine();
        Optional<FusedSkip> kernel = engine.backend().fused(FusedSkip.class);
        if (kernel.isEmpty()) {
            return reference(y, x, skip);
        }
        return engine.fused(
                List.of(y, x, skip),
                List.of(x, skip),
                kernel.get().forward(y.array(), x.array(), skip.array()),
                List.of(),
                (gradients, saved) -> {
                    FusedSkip.Gradients g = kernel.get().backward(gradients.get(0), x.array(), skip.array());
                    return List.of(gradients.get(0), g.x(), g.skip());
                });
    }

    private static void requireShapes(Tensor y, Tensor x, Tensor skip) {
        boolean fits = x.shape().rank() >= 2
                && y.shape().equals(x.shape())
                && skip.shape().equals(Shape.of(x.dim(-2)));
        if (!fits) {
            throw new IllegalArgumentException("skip needs y and x [..., H,P], skip [H]; got y " + y.shape() + ", x "
                    + x.shape() + ", skip " + skip.shape());
        }
    }

    public static Tensor reference(Tensor y, Tensor x, Tensor skip) {
        return y.add(x.mul(skip.reshape(-1, 1)));
    }
}
