package org.mohawk4j.op;

import java.util.List;
import java.util.Optional;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.FusedOp;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.Shape;

/** The gate of a mixer's output, {@code x silu(z + bias)}: as goombalab's discrete Mamba-2 has it. */
public final class GateFunction {
    private GateFunction() {}

    /** Fused gate. */
    public interface FusedGate extends FusedOp {
        /** Gradients of x [..., D], z [..., D] and bias [D]. */
        record Gradients(Array x, Array z, Array bias) {}

        Array forward(Array x, Array z, Array bias);

        Gradients backward(Array outputGradient, Array x, Array z, Array bias);
    }

    /**
     * @param x [..., D]
     * @param z the same shape
     * @param bias [D]
     */
    public static Tensor apply(Tensor x, Tensor z, Tensor bias) {
        requireShapes(x, z, bias);
        Engine engine = x.engine();
        Optional<FusedGate> kernel = engine.backend().fused(FusedGate.class);
        if (kernel.isEmpty()) {
            return reference(x, z, bias);
        }
        return engine.fused(
                List.of(x, z, bias),
                List.of(x, z, bias),
                kernel.get().forward(x.array(), z.array(), bias.array()),
                List.of(),
                (gradients, saved) -> {
                    FusedGate.Gradients g = kernel.get().backward(gradients.get(0), x.array(), z.array(), bias.array());
                    return List.of(g.x(), g.z(), g.bias());
                });
    }

    private static void requireShapes(Tensor x, Tensor z, Tensor bias) {
        boolean fits = x.shape().rank() > 0
                && z.shape().equals(x.shape())
                && bias.shape().equals(Shape.of(x.dim(-1)));
        if (!fits) {
            throw new IllegalArgumentException("gate needs x and z [..., D], bias [D]; got x " + x.shape() + ", z "
                    + z.shape() + ", bias " + bias.shape());
        }
    }

    public static Tensor reference(Tensor x, Tensor z, Tensor bias) {
        return x.mul(z.add(bias).silu());
    }
}
