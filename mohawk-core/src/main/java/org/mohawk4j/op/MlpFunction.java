package org.mohawk4j.op;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.FusedOp;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;

/** Two linear maps with biases and an activation between, {@code activation(x Vᵀ + c) Wᵀ + b}. */
public final class MlpFunction {
    private MlpFunction() {}

    /**
     * The two maps.
     *
     * @param first V [E,D]
     * @param firstBias c [E]
     * @param second W [F,E]
     * @param secondBias b [F]
     */
    public record Weights(Tensor first, Tensor firstBias, Tensor second, Tensor secondBias) {
        private Stream<Tensor> all() {
            return Stream.of(first, firstBias, second, secondBias);
        }
    }

    /** Both maps as one operation, for where all of its gradients are wanted: the activation's needs no pass of its own. */
    public interface FusedMlp extends FusedOp {
        /** {@link Weights} in the backend's terms. */
        record Operands(Array first, Array firstBias, Array second, Array secondBias) {}

        /** Output [R,F], and what {@link #backward} needs besides the input. */
        record Result(Array output, List<Array> saved) {}

        /** Gradients of the input [R,D] and of the maps. */
        record Gradients(Array input, Array first, Array firstBias, Array second, Array secondBias) {}

        /** @param input [R,D] */
        boolean supports(Array input, Operands weights, Activation activation);

        Result forward(Array input, Operands weights, Activation activation);

        /** @param outputGradient [R,F] */
        Gradients backward(Array outputGradient, Array input, List<Array> saved, Activation activation);
    }

    /**
     * @param x [..., D]
     * @return [..., F]
     */
    public static Tensor apply(Tensor x, Weights weights, Activation activation) {
        LinearFunction.requireWidth(x, weights.first());
        LinearFunction.requireBias(weights.firstBias(), weights.first());
        if (weights.second().shape().rank() != 2
                || weights.second().dim(1) != weights.first().dim(0)) {
            throw new IllegalArgumentException("MLP needs first [E,D], second [F,E]; got first "
                    + weights.first().shape() + ", second " + weights.second().shape());
        }
        LinearFunction.requireBias(weights.secondBias(), weights.second());
        Engine engine = x.engine();
        FusedMlp.Operands operands = new FusedMlp.Operands(
                weights.first().array(),
                weights.firstBias().array(),
                weights.second().array(),
                weights.secondBias().array());
        Tensor rows = x.reshape(-1, x.dim(-1));
        Optional<FusedMlp> kernel = engine.backend()
                .fused(FusedMlp.class)
                .filter(k -> Stream.concat(Stream.of(x), weights.all()).allMatch(engine::isTracked))
                .filter(k -> k.supports(rows.array(), operands, activation));
        if (kernel.isEmpty()) {
            Tensor hidden = LinearFunction.apply(x, weights.first(), Optional.of(weights.firstBias()), activation);
            return LinearFunction.apply(hidden, weights.second(), Optional.of(weights.secondBias()), Activation.NONE);
        }
        FusedMlp.Result made = kernel.get().forward(rows.array(), operands, activation);
        return engine.fused(
                        Stream.concat(Stream.of(rows), weights.all()).toList(),
                        List.of(rows),
                        made.output(),
                        made.saved(),
                        (gradients, saved) -> {
                            FusedMlp.Gradients g =
                                    kernel.get().backward(gradients.get(0), rows.array(), saved, activation);
                            return List.of(g.input(), g.first(), g.firstBias(), g.second(), g.secondBias());
                        })
                .reshape(x.shape().with(-1, weights.second().dim(0)).toArray());
    }
}
