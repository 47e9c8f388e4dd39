package org.mohawk4j.backend.nd4j;

import java.util.List;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.nd4j.array.Nd4jArray;
import org.mohawk4j.backend.nd4j.array.Nd4jPool;
import org.mohawk4j.backend.nd4j.array.Nd4jScratch;
import org.mohawk4j.op.RmsNormFunction.FusedRmsNorm;
import org.mohawk4j.tensor.types.Shape;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.transforms.floating.RSqrt;
import org.nd4j.linalg.factory.Nd4j;

/**
 * RMS normalization, of rows as they are or, for a layer normalization, with their mean taken away first. It saves the
 * normalized input [..., D] and the reciprocal deviation of each row [R,1].
 */
record Nd4jRmsNorm(Nd4jPool pool, boolean centered) implements FusedRmsNorm {
    @Override
    public Result forward(Array x, Array weight, double epsilon) {
        INDArray in = Nd4jArray.rows(x);
        long width = in.size(1);
        try (Nd4jScratch work = new Nd4jScratch(pool, x.dtype())) {
            Nd4jArray normalized = work.result(x.shape());
            Nd4jArray reciprocal = work.result(Shape.of(in.size(0), 1));
            Nd4jArray output = work.result(x.shape());
            INDArray n = Nd4jArray.rows(normalized);
            INDArray deviation = reciprocal.values();
            INDArray y = Nd4jArray.rows(output);
            if (centered) {
                work.rowSums(deviation, in, 1.0 / width);
                Nd4jScratch.subtract(n, in, deviation);
                in = n;
            }
            Nd4jScratch.multiply(y, in, in);
            work.rowSums(deviation, y, 1.0 / width);
            deviation.addi(epsilon);
            Nd4j.getExecutioner().exec(new RSqrt(deviation, deviation));
            Nd4jScratch.multiply(n, in, deviation);
            Nd4jScratch.multiply(y, n, Nd4jArray.values(weight));
            return new Result(output, List.of(normalized, reciprocal));
        }
    }

    @Override
    public Gradients backward(Array outputGradient, Array x, Array weight, List<Array> saved) {
        INDArray gradient = Nd4jArray.rows(outputGradient);
        long rows = gradient.size(0);
        long width = gradient.size(1);
        INDArray normalized = Nd4jArray.rows(saved.get(0));
        try (Nd4jScratch work = new Nd4jScratch(pool, x.dtype())) {
            Nd4jArray inputGradient = work.result(x.shape());
            Nd4jArray weightGradient = work.result(weight.shape());
            INDArray dx = Nd4jArray.rows(inputGradient);
            INDArray product = work.take(rows, width);
            INDArray mean = work.take(rows, 1);
            Nd4jScratch.multiply(product, gradient, normalized);
            work.columnSums(weightGradient.values(), product);
            Nd4jScratch.multiply(dx, gradient, Nd4jArray.values(weight));
            Nd4jScratch.multiply(product, dx, normalized);
            work.rowSums(mean, product, 1.0 / width);
            Nd4jScratch.multiply(product, normalized, mean);
            if (centered) {
                work.rowSums(mean, dx, 1.0 / width);
                Nd4jScratch.subtract(dx, dx, mean);
            }
            Nd4jScratch.subtract(dx, dx, product);
            Nd4jScratch.multiply(dx, dx, Nd4jArray.values(saved.get(1)));
            return new Gradients(inputGradient, weightGradient);
        }
    }
}
