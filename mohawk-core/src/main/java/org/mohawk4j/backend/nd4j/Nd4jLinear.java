package org.mohawk4j.backend.nd4j;

import java.util.List;
import java.util.Optional;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.nd4j.array.Nd4jArray;
import org.mohawk4j.backend.nd4j.array.Nd4jPool;
import org.mohawk4j.backend.nd4j.array.Nd4jScratch;
import org.mohawk4j.op.Activation;
import org.mohawk4j.op.LinearFunction.FusedLinear;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Product, bias and tanh-gelu in place; other activations are left to the plain composition. */
final class Nd4jLinear implements FusedLinear {
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
    public Result forward(Array input, Array weight, Optional<Array> bias, Activation activation, Wanted wanted) {
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
            if (!wanted.any()) {
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

    @Override
    public Gradients backward(
            Array outputGradient,
            Optional<Array> input,
            Optional<Array> weight,
            DType inputType,
            List<Array> saved,
            Activation activation,
            Wanted wanted) {
        try (Nd4jScratch work = new Nd4jScratch(pool, outputGradient.dtype())) {
            INDArray g = Nd4jArray.values(outputGradient);
            if (activation != Activation.NONE) {
                INDArray before = work.take(outputGradient.shape().toArray());
                activationGradient(work, before, g, saved);
                g = before;
            }
            return new Gradients(
                    wanted.input() ? Optional.of(product(work, g, false, weight.orElseThrow())) : Optional.empty(),
                    wanted.weight() ? Optional.of(product(work, g, true, input.orElseThrow())) : Optional.empty(),
                    wanted.bias() ? Optional.of(sumOfRows(work, g)) : Optional.empty());
        }
    }

    private static Array product(Nd4jScratch work, INDArray g, boolean transposed, Array other) {
        Nd4jArray y =
                work.result(Shape.of(g.size(transposed ? 1 : 0), other.shape().dim(1)));
        Nd4jScratch.matmul(y.values(), g, transposed, Nd4jArray.values(other), false);
        return y;
    }

    private static Array sumOfRows(Nd4jScratch work, INDArray g) {
        Nd4jArray y = work.result(Shape.of(g.size(1)));
        Nd4jScratch.matmul(y.shaped(1, g.size(1)), work.ones(1, g.size(0)), false, g, false);
        return y;
    }

    /** {@code s + x s (1 - s) (SLOPE + 3 CUBIC x²)} times the gradient, s being the saved sigmoid. */
    private static void activationGradient(Nd4jScratch work, INDArray target, INDArray gradient, List<Array> saved) {
        INDArray x = Nd4jArray.values(saved.get(0));
        INDArray s = Nd4jArray.values(saved.get(1));
        INDArray slope = work.take(x.shape());
        Nd4jScratch.multiply(slope, x, x);
        slope.muli(3 * CUBIC);
        slope.addi(SLOPE);
        Nd4jScratch.multiply(slope, slope, x);
        Nd4jScratch.multiply(target, s, s);
        Nd4jScratch.subtract(target, s, target);
        Nd4jScratch.multiply(target, target, slope);
        Nd4jScratch.add(target, target, s);
        Nd4jScratch.multiply(target, target, gradient);
    }
}
