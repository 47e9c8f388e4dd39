package org.mohawk4j.op.glu;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.FusedOp;
import org.mohawk4j.op.Activation;
import org.mohawk4j.op.LinearFunction;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;

/** A gated MLP without biases, {@code (activation(x Gᵀ) · x Uᵀ) Wᵀ}. */
public final class GatedMlpFunction {
    private GatedMlpFunction() {}

    /**
     * Its maps.
     *
     * @param gate G [F,D]
     * @param up U [F,D]
     * @param down W [E,F]
     */
    public record Weights(Tensor gate, Tensor up, Tensor down) {
        private Stream<Tensor> all() {
            return Stream.of(gate, up, down);
        }
    }

    /** All maps as one operation, for where all of its gradients are wanted: gate and up are one product each way. */
    public interface FusedGatedMlp extends FusedOp {
        /** {@link Weights} in the backend's terms. */
        record Operands(Array gate, Array up, Array down) {}

        /** Output [R,E], and what {@link #backward} needs besides the input. */
        record Result(Array output, List<Array> saved) {}

        /** Gradients of the input [R,D] and of the maps. */
        record Gradients(Array input, Array gate, Array up, Array down) {}

        /** @param input [R,D] */
        boolean supports(Array input, Operands weights, Activation activation);

        Result forward(Array input, Operands weights, Activation activation);

        /** @param outputGradient [R,E] */
        Gradients backward(Array outputGradient, Array input, List<Array> saved, Activation activation);
    }

    /**
     * @param x [..., D]
     * @return [..., E]
     */
    public static Tensor apply(Tensor x, Weights weights, Activation activation) {
        requireShapes(x, weights);
        Engine engine = x.engine();
        FusedGatedMlp.Operands operands = new FusedGatedMlp.Operands(
                weights.gate().array(), weights.up().array(), weights.down().array());
        Tensor rows = x.reshape(-1, x.dim(-1));
        Optional<FusedGatedMlp> kernel = engine.backend()
                .fused(FusedGatedMlp.class)
                .filter(k -> Stream.concat(Stream.of(x), weights.all()).allMatch(engine::isTracked))
                .filter(k -> k.supports(rows.array(), operands, activation));
        if (kernel.isEmpty()) {
            return composed(x, weights, activation);
        }
        FusedGatedMlp.Result made = kernel.get().forward(rows.array(), operands, activation);
        return engine.fused(
                        Stream.concat(Stream.of(rows), weights.all()).toList(),
                        List.of(rows),
                        made.output(),
                        made.saved(),
                        (gradients, saved) -> {
                            FusedGatedMlp.Gradients g =
                                    kernel.get().backward(gradients.get(0), rows.array(), saved, activation);
                            return List.of(g.input(), g.gate(), g.up(), g.down());
                        })
                .reshape(x.shape().with(-1, weights.down().dim(0)).toArray());
    }

    private static void requireShapes(Tensor x, Weights weights) {
        boolean fits = x.shape().rank() > 0
                && weights.gate().shape().rank() == 2
                && weights.gate().dim(1) == x.dim(-1)
                && weights.up().shape().equals(weights.gate().shape())
                && weights.down().shape().rank() == 2
                && weights.down().dim(1) == weights.gate().dim(0);
        if (!fits) {
            throw new IllegalArgumentException("gated MLP needs x [..., D], gate and up [F,D], down [E,F]; got x "
                    + x.shape() + ", gate " + weights.gate().shape() + ", up "
                    + weights.up().shape() + ", down " + weights.down().shape());
        }
    }

    /** With whatever each map and the unit between them are on this backend. */
    private static Tensor composed(Tensor x, Weights weights, Activation activation) {
        Tensor hidden = GluFunction.apply(mapped(x, weights.gate()), mapped(x, weights.up()), activation);
        return mapped(hidden, weights.down());
    }

    private static Tensor mapped(Tensor x, Tensor weight) {
        return LinearFunction.apply(x, weight, Optional.empty(), Activation.NONE);
    }
}
