package org.mohawk4j.functional;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.Kernel;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;

/** {@code activation(x Wᵀ + bias)}. */
public final class LinearFunction {
    private LinearFunction() {}

    /** Fused product, bias and activation. */
    public interface LinearKernel extends Kernel {
        /** Output [R,E], and what {@link #activationGradient} needs. */
        record Result(Array output, List<Array> saved) {}

        boolean supports(Activation activation);

        /**
         * @param input [R,D]
         * @param weight [E,D]
         * @param bias [E]
         * @param forGradient whether {@link #activationGradient} will follow
         */
        Result forward(Array input, Array weight, Optional<Array> bias, Activation activation, boolean forGradient);

        /** The gradient before the activation, from the gradient after it. */
        Array activationGradient(Array outputGradient, List<Array> saved, Activation activation);
    }

    /**
     * @param x [..., D]
     * @param weight [E, D]
     * @param bias [E]
     * @return [..., E]
     */
    public static Tensor apply(Tensor x, Tensor weight, Optional<Tensor> bias, Activation activation) {
        requireWidth(x, weight);
        Tensor rows = x.reshape(-1, x.dim(-1));
        return x.engine()
                .backend()
                .kernel(LinearKernel.class)
                .filter(kernel -> kernel.supports(activation))
                .map(kernel -> fused(kernel, rows, weight, bias, activation))
                .map(y -> y.reshape(x.shape().with(-1, weight.dim(0)).toArray()))
                .orElseGet(() -> reference(x, weight, bias, activation));
    }

    private static Tensor fused(
            LinearKernel kernel, Tensor rows, Tensor weight, Optional<Tensor> bias, Activation activation) {
        Engine engine = rows.engine();
        boolean wantsInput = engine.isTracked(rows);
        boolean wantsWeight = engine.isTracked(weight);
        boolean tracked =
                wantsInput || wantsWeight || bias.filter(engine::isTracked).isPresent();
        boolean activated = activation != Activation.NONE;
        LinearKernel.Result made =
                kernel.forward(rows.array(), weight.array(), bias.map(Tensor::array), activation, tracked && activated);
        Tensor output = engine.wrap(made.output());
        List<Tensor> extra = made.saved().stream().map(engine::wrap).toList();
        List<Tensor> inputs = new ArrayList<>(List.of(rows, weight));
        bias.ifPresent(inputs::add);
        List<Tensor> saved = new ArrayList<>(extra);
        if (wantsWeight) {
            saved.add(rows);
        }
        if (wantsInput) {
            saved.add(weight);
        }
        return engine.record(
                        List.of(output),
                        inputs,
                        gradients -> {
                            Tensor after = gradients.get(0);
                            Tensor g = activated
                                    ? engine.wrap(kernel.activationGradient(
                                            after.array(),
                                            extra.stream().map(Tensor::array).toList(),
                                            activation))
                                    : after;
                            List<Tensor> result = new ArrayList<>();
                            result.add(wantsInput ? g.matmul(weight) : g);
                            result.add(wantsWeight ? g.matmul(true, rows, false) : g);
                            bias.ifPresent(b -> result.add(g.sum(0)));
                            return result;
                        },
                        saved.toArray(Tensor[]::new))
                .get(0);
    }

    public static Tensor reference(Tensor x, Tensor weight, Optional<Tensor> bias, Activation activation) {
        requireWidth(x, weight);
        Tensor product = x.reshape(-1, x.dim(-1)).matmul(false, weight, true);
        Tensor shifted = bias.map(product::add).orElse(product);
        return activation
                .apply(shifted)
                .reshape(x.shape().with(-1, weight.dim(0)).toArray());
    }

    private static void requireWidth(Tensor x, Tensor weight) {
        if (weight.shape().rank() != 2 || x.dim(-1) != weight.dim(1)) {
            throw new IllegalArgumentException(
                    "linear of input " + x.shape() + " and weight " + weight.shape() + ": last extents differ");
        }
    }
}
