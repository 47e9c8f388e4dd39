package org.mohawk4j.backend.nd4j;

import java.util.List;
import java.util.Optional;
import org.mohawk4j.backend.Array;
import org.mohawk4j.functional.Activation;
import org.mohawk4j.functional.LinearFunction.LinearKernel;
import org.mohawk4j.tensor.Shape;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Product, bias and tanh-gelu in place; other activations are left to the plain composition. */
final class Nd4jLinear implements LinearKernel {
    /** {@code gelu(x) = x · sigmoid(x (SLOPE + CUBIC x²))}, from tanh(u) = 2 sigmoid(2u) - 1. */
    private static final double SLOPE = 2 * Math.sqrt(2 / Math.PI);

    private static final double CUBIC = SLOPE * 0.044715;

    private final Nd4jPool pool;

    Nd4jLinear(Nd4jPool pool) {
        this.pool = pool;
    }

    @Override
    public boolean supports(Activation activation) {
        return activation == Activation.NONE || activation == Activation.GELU_TANH;
    }

    @Override
    public Result forward(Array input, Array weight, Optional<Array> bias, Activation activation, boolean forGradient) {
        try (Nd4jScratch work = new Nd4jScratch(pool, input.dtype())) {
            Shape shape = Shape.of(input.shape().dim(0), weight.shape().dim(0));
            Nd4jArray product = work.result(shape);
            INDArray x = product.values();
            Nd4jScratch.matmul(x, Nd4jArray.values(input), false, Nd4jArray.values(weight), true);
            bias.ifPresent(b -> Nd4jScratch.add(x, x, Nd4jArray.values(b)));
            if (activation == Activation.NONE) {
                return new Result(product, List.of());
            }
            Nd4jArray gate = work.result(shape);
            gate(gate.values(), x);
            if (!forGradient) {
                Nd4jScratch.multiply(x, x, gate.values());
                pool.release(gate);
                return new Result(product, List.of());
            }
            Nd4jArray output = work.result(shape);
            Nd4jScratch.multiply(output.values(), x, gate.values());
            return new Result(output, List.of(product, gate));
        }
    }

    /** {@code target = sigmoid(x (SLOPE + CUBIC x²))}. */
    private static void gate(INDArray target, INDArray x) {
        Nd4jScratch.multiply(target, x, x);
        target.muli(CUBIC);
        target.addi(SLOPE);
        Nd4jScratch.multiply(target, target, x);
        Nd4jScratch.sigmoid(target, target);
    }

    /** {@code s + x s (1 - s) (SLOPE + 3 CUBIC x²)} times the gradient, s being the saved sigmoid. */
    @Override
    public Array activationGradient(Array outputGradient, List<Array> saved, Activation activation) {
        INDArray x = Nd4jArray.values(saved.get(0));
        INDArray s = Nd4jArray.values(saved.get(1));
        try (Nd4jScratch work = new Nd4jScratch(pool, outputGradient.dtype())) {
            Nd4jArray gradient = work.result(outputGradient.shape());
            INDArray g = gradient.values();
            INDArray slope = work.take(x.shape());
            Nd4jScratch.multiply(slope, x, x);
            slope.muli(3 * CUBIC);
            slope.addi(SLOPE);
            Nd4jScratch.multiply(slope, slope, x);
            Nd4jScratch.multiply(g, s, s);
            Nd4jScratch.subtract(g, s, g);
            Nd4jScratch.multiply(g, g, slope);
            Nd4jScratch.add(g, g, s);
            Nd4jScratch.multiply(g, g, Nd4jArray.values(outputGradient));
            return gradient;
        }
    }
}
