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
        /**
         * @param input [R, D]
         * @param weight [E, D]
         * @param bias [E]
         * @param preActivation whether the value before the activation is wanted as a second result
         * @return the output [R, E], and the value before the activation if wanted
         */
        List<Array> forward(
                Array input, Array weight, Optional<Array> bias, Activation activation, boolean preActivation);

        /**
         * The gradient before the activation, from the gradient after it.
         *
         * @param preActivation what {@code forward} gave as second result
         */
        Array activationGradient(Array outputGradient, Array preActivation, Activation activation);
    }

    /**
     * @param x [..., D]
     * @param weight [E, D]
     * @param bias [E]
     * @return [..., E]
     */
    public static Tensor apply(Tensor x, Tensor weight, Optional<Tensor> bias, Activation activation) {
        requireWidth(x, weight);
        Engine engine = x.engine();
        Optional<LinearKernel> kernel = engine.backend().kernel(LinearKernel.class);
        if (kernel.isEmpty()) {
            return reference(x, weight, bias, activation);
        }
        Tensor rows = x.reshape(-1, x.dim(-1));
        boolean tracked = engine.isTracked(x)
                || engine.isTracked(weight)
                || bias.filter(engine::isTracked).isPresent();
        boolean keep = tracked && activation != Activation.NONE;
        List<Array> made =
                kernel.get().forward(rows.array(), weight.array(), bias.map(Tensor::array), activation, keep);
        Tensor output = engine.wrap(made.get(0));
        List<Tensor> inputs = new ArrayList<>(List.of(rows, weight));
        bias.ifPresent(inputs::add);
        List<Tensor> saved = new ArrayList<>();
        if (engine.isTracked(weight)) {
            saved.add(rows);
        }
        if (engine.isTracked(rows)) {
            saved.add(weight);
        }
        Optional<Tensor> before = keep ? Optional.of(engine.wrap(made.get(1))) : Optional.empty();
        before.ifPresent(saved::add);
        boolean needsInput = engine.isTracked(rows);
        boolean needsWeight = engine.isTracked(weight);
        Tensor result = engine.record(
                        List.of(output),
                        inputs,
                        gradients -> {
                            Tensor after = gradients.get(0);
                            Tensor g = before.map(b -> engine.wrap(
                                            kernel.get().activationGradient(after.array(), b.array(), activation)))
                                    .orElse(after);
                            List<Tensor> result2 = new ArrayList<>();
                            result2.add(needsInput ? g.matmul(weight) : g);
                            result2.add(needsWeight ? g.matmul(true, rows, false) : g);
                            bias.ifPresent(b -> result2.add(g.sum(0)));
                            return result2;
                        },
                        saved.toArray(Tensor[]::new))
                .get(0);
        return result.reshape(x.shape().with(-1, weight.dim(0)).toArray());
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
