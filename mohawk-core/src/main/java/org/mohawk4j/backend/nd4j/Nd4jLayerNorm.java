package org.mohawk4j.backend.nd4j;

import java.util.List;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.nd4j.array.Nd4jArray;
import org.mohawk4j.backend.nd4j.array.Nd4jPool;
import org.mohawk4j.backend.nd4j.array.Nd4jScratch;
import org.mohawk4j.op.LayerNormFunction.FusedLayerNorm;
import org.mohawk4j.op.RmsNormFunction.FusedRmsNorm;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Layer normalization: the RMS normalization of centered rows, shifted. */
final class Nd4jLayerNorm implements FusedLayerNorm {
    private final Nd4jRmsNorm scaled;

    Nd4jLayerNorm(Nd4jPool pool) {
        scaled = new Nd4jRmsNorm(pool, true);
    }

    @Override
    public Result forward(Array x, Array weight, Array bias, double epsilon) {
        FusedRmsNorm.Result made = scaled.forward(x, weight, epsilon);
        INDArray y = Nd4jArray.rows(made.output());
        Nd4jScratch.add(y, y, Nd4jArray.values(bias));
        return new Result(made.output(), made.saved());
    }

    @Override
    public Gradients backward(Array outputGradient, Array x, Array weight, List<Array> saved) {
        FusedRmsNorm.Gradients g = scaled.backward(outputGradient, x, weight, saved);
        try (Nd4jScratch work = new Nd4jScratch(scaled.pool(), x.dtype())) {
            Nd4jArray bias = work.result(weight.shape());
            work.columnSums(bias.values(), Nd4jArray.rows(outputGradient));
            return new Gradients(g.input(), g.weight(), bias);
        }
    }
}
