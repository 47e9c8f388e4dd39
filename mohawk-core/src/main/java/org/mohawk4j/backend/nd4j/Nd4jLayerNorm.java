package org.mohawk4j.backend.nd4j;

import java.util.List;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.nd4j.array.Nd4jArray;
import org.mohawk4j.backend.nd4j.array.Nd4jPool;
import org.mohawk4j.backend.nd4j.array.Nd4jScratch;
import org.mohawk4j.op.LayerNormFunction.FusedLayerNorm;
import org.mohawk4j.tensor.types.Shape;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.transforms.floating.RSqrt;
import org.nd4j.linalg.factory.Nd4j;

/** Layer normalisation that saves the normalised input and the reciprocal deviation of each row. */
final class Nd4jLayerNorm implements FusedLayerNorm {
    private final Nd4jPool pool;

    Nd4jLayerNorm(Nd4jPool pool) {
        this.pool = pool;
    }

    @Override
    public Result forward(Array x, Array weight, Array bias, double epsilon) {
        long width = x.shape().dim(-1);
        long rows = x.shape().size() / width;
        try (Nd4jScratch work = new Nd4jScratch(pool, x.dtype())) {
            Nd4jArray normalised = work.result(x.shape());
            Nd4jArray reciprocal = work.result(Shape.of(rows, 1));
            Nd4jArray output = work.result(x.shape());
            INDArray centred = normalised.shaped(rows, width);
            INDArray deviation = reciprocal.values();
            INDArray y = output.shaped(rows, width);
            work.rowSums(deviation, Nd4jArray.shaped(x, rows, width), 1.0 / width);
            Nd4jScratch.subtract(centred, Nd4jArray.shaped(x, rows, width), deviation);
            Nd4jScratch.multiply(y, centred, centred);
            work.rowSums(deviation, y, 1.0 / width);
            deviation.addi(epsilon);
            Nd4j.getExecutioner().exec(new RSqrt(deviation, deviation));
            Nd4jScratch.multiply(centred, centred, deviation);
            Nd4jScratch.multiply(y, centred, Nd4jArray.values(weight));
            Nd4jScratch.add(y, y, Nd4jArray.values(bias));
            return new Result(output, List.of(normalised, reciprocal));
        }
    }

    @Override
    public Gradients backward(Array outputGradient, Array x, Array weight, List<Array> saved) {
        long width = x.shape().dim(-1);
        long rows = x.shape().size() / width;
        INDArray normalised = Nd4jArray.shaped(saved.get(0), rows, width);
        INDArray reciprocal = Nd4jArray.values(saved.get(1));
        INDArray gradient = Nd4jArray.shaped(outputGradient, rows, width);
        try (Nd4jScratch work = new Nd4jScratch(pool, x.dtype())) {
            Nd4jArray inputGradient = work.result(x.shape());
            Nd4jArray weightGradient = work.result(weight.shape());
            Nd4jArray biasGradient = work.result(weight.shape());
            INDArray dx = inputGradient.shaped(rows, width);
            INDArray product = work.take(rows, width);
            INDArray mean = work.take(rows, 1);
            Nd4jScratch.multiply(product, gradient, normalised);
            work.columnSums(weightGradient.values(), product);
            work.columnSums(biasGradient.values(), gradient);
            Nd4jScratch.multiply(dx, gradient, Nd4jArray.values(weight));
            Nd4jScratch.multiply(product, dx, normalised);
            work.rowSums(mean, product, 1.0 / width);
            Nd4jScratch.multiply(product, normalised, mean);
            work.rowSums(mean, dx, 1.0 / width);
            Nd4jScratch.subtract(dx, dx, mean);
            Nd4jScratch.subtract(dx, dx, product);
            Nd4jScratch.multiply(dx, dx, reciprocal);
            return new Gradients(inputGradient, weightGradient, biasGradient);
        }
    }
}
