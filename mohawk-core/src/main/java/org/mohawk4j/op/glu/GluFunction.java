package org.mohawk4j.op.glu;

import java.util.List;
import java.util.Optional;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.FusedOp;
import org.mohawk4j.op.Activation;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;

/** A gated linear unit, {@code activation(gate) · up} (Shazeer 2020, arXiv 2002.05202): the middle of a gated MLP. */
public final class GluFunction {
    private GluFunction() {}

    /** Fused activation and product. */
    public interface FusedGlu extends FusedOp {
        /** Output [..., F], and what {@link #backward} needs besides the inputs. */
        record Result(Array output, List<Array> saved) {}

        /** Gradients of gate and up [..., F]. */
        record Gradients(Array gate, Array up) {}

        boolean supports(Activation activation);

        Result forward(Array gate, Array up, Activation activation);

        Gradients backward(Array outputGradient, Array gate, Array up, List<Array> saved, Activation activation);
    }

    /**
     * @param gate [..., F]
     * @param up the same shape
     */
    public static Tensor apply(Tensor gate, Tensor up, Activation activation) {
        if (!gate.shape().equals(up.shape())) {
            throw new IllegalArgumentException(
                    "gated linear unit of gate " + gate.shape() + " and up " + up.shape() + ": expected one shape");
        }
        Engine engine = gate.engine();
        Optional<FusedGlu> kernel = engine.backend().fused(FusedGlu.class).filter(k -> k.supports(activation));
        if (kernel.isEmpty()) {
            return reference(gate, up, activation);
        }
        FusedGlu.Result made = kernel.get().forward(gate.array(), up.array(), activation);
        return engine.fused(List.of(gate, up), List.of(gate, up), made.output(), made.saved(), (gradients, saved) -> {
            FusedGlu.Gradients g = kernel.get().backward(gradients.get(0), gate.array(), up.array(), saved, activation);
            return List.of(g.gate(), g.up());
        });
    }

    public static Tensor reference(Tensor gate, Tensor up, Activation activation) {
        return activation.apply(gate).mul(up);
    }
}
