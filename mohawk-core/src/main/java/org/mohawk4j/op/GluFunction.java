package org.mohawk4j.op;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.FusedOp;
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
        FusedGlu.Result result = kernel.get().forward(gate.array(), up.array(), activation);
        List<Tensor> extra = result.saved().stream().map(engine::wrap).toList();
        return engine.record(
                        List.of(engine.wrap(result.output())),
                        List.of(gate, up),
                        gradients -> {
                            FusedGlu.Gradients g = kernel.get()
                                    .backward(
                                            gradients.get(0).array(),
                                            gate.array(),
                                            up.array(),
                                            extra.stream().map(Tensor::array).toList(),
                                            activation);
                            return List.of(engine.wrap(g.gate()), engine.wrap(g.up()));
                        },
                        Stream.concat(Stream.of(gate, up), extra.stream()).toArray(Tensor[]::new))
                .get(0);
    }

    public static Tensor reference(Tensor gate, Tensor up, Activation activation) {
        return activation.apply(gate).mul(up);
    }
}
