package org.mohawk4j.op;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.FusedOp;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;

/** {@code activation(x Wᵀ + bias)}. */
public final class LinearFunction {
    private LinearFunction() {}

    /** Fused product, bias and activation. */
    public interface FusedLinear extends FusedOp {
        /** Output [R,E], and what {@link #backward} needs besides the inputs. */
        record Result(Array output, List<Array> saved) {}

        /** Which gradients are wanted. */
        record Wanted(boolean input, boolean weight, boolean bias) {
            public boolean any() {
                return input || weight || bias;
            }
        }

        /** Gradients of input [R,D], weight [E,D] and bias [E], of those that were wanted. */
        record Gradients(Optional<Array> input, Optional<Array> weight, Optional<Array> bias) {}

        boolean supports(Activation activation);

        /**
         * @param input [R,D]
         * @param weight [E,D]
         * @param bias [E]
         * @param wanted what {@link #backward} may be asked for; if nothing, nothing need be saved. A weight or bias whose
         *     gradient is wanted may be rounded otherwise than one that is only used
         */
        Result forward(Array input, Array weight, Optional<Array> bias, Activation activation, Wanted wanted);

        /**
         * @param outputGradient [R,E]
         * @param input present if the weight's gradient is wanted
         * @param weight present if the input's gradient is wanted
         * @param inputType the input's type, which its gradient gets too
         */
        Gradients backward(
                Array outputGradient,
                Optional<Array> input,
                Optional<Array> weight,
                DType inputType,
                List<Array> saved,
                Activation activation,
                Wanted wanted);
    }

    /**
     * @param x [..., D]
     * @param weight [E, D]
     * @param bias [E]
     * @return [..., E]
     */
    public static Tensor apply(Tensor x, Tensor weight, Optional<Tensor> bias, Activation activation) {
        requireWidth(x, weight);
        bias.ifPresent(b -> requireBias(b, weight));
        Tensor rows = x.reshape(-1, x.dim(-1));
        return x.engine()
                .backend()
                .fused(FusedLinear.class)
                .filter(kernel -> kernel.supports(activation))
                .map(kernel -> fused(kernel, rows, weight, bias, activation))
                .map(y -> y.reshape(x.shape().with(-1, weight.dim(0)).toArray()))
                .orElseGet(() -> reference(x, weight, bias, activation));
    }

    private static Tensor fused(
            FusedLinear kernel, Tensor rows, Tensor weight, Optional<Tensor> bias, Activation activation) {
        Engine engine = rows.engine();
        FusedLinear.Wanted wanted = new FusedLinear.Wanted(
                engine.isTracked(rows),
                engine.isTracked(weight),
                bias.filter(engine::isTracked).isPresent());
        FusedLinear.Result made =
                kernel.forward(rows.array(), weight.array(), bias.map(Tensor::array), activation, wanted);
        Optional<Tensor> keptInput = Optional.of(rows).filter(x -> wanted.weight());
        Optional<Tensor> keptWeight = Optional.of(weight).filter(w -> wanted.input());
        return engine.fused(
                Stream.concat(Stream.of(rows, weight), bias.stream())
                        .filter(engine::isTracked)
                        .toList(),
                Stream.concat(keptInput.stream(), keptWeight.stream()).toList(),
                made.output(),
                made.saved(),
                (gradients, saved) -> {
                    FusedLinear.Gradients g = kernel.backward(
                            gradients.get(0),
                            keptInput.map(Tensor::array),
                            keptWeight.map(Tensor::array),
                            rows.dtype(),
                            saved,
                            activation,
                            wanted);
                    return Stream.of(g.input(), g.weight(), g.bias())
                            .flatMap(Optional::stream)
                            .toList();
                });
    }

    public static Tensor reference(Tensor x, Tensor weight, Optional<Tensor> bias, Activation activation) {
        requireWidth(x, weight);
        Tensor product = x.reshape(-1, x.dim(-1)).matmul(false, weight, true);
        Tensor shifted = bias.map(product::add).orElse(product);
        return activation
                .apply(shifted)
                .reshape(x.shape().with(-1, weight.dim(0)).toArray());
    }

    static void requireBias(Tensor bias, Tensor weight) {
        if (!bias.shape().equals(Shape.of(weight.dim(0)))) {
            throw new IllegalArgumentException(
                    "linear of weight " + weight.shape() + " and bias " + bias.shape() + ": expected bias [E]");
        }
    }

    static void requireWidth(Tensor x, Tensor weight) {
        if (weight.shape().rank() != 2 || x.dim(-1) != weight.dim(1)) {
            throw new IllegalArgumentException(
                    "linear of input " + x.shape() + " and weight " + weight.shape() + ": last extents differ");
        }
    }
}
