package org.mohawk4j.backend.nd4j;

import java.util.List;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.nd4j.array.Nd4jArray;
import org.mohawk4j.backend.nd4j.array.Nd4jPool;
import org.mohawk4j.backend.nd4j.array.Nd4jScratch;
import org.mohawk4j.op.AdamWFunction.FusedAdamW;
import org.mohawk4j.op.AdamWFunction.Hyperparameters;
import org.mohawk4j.op.AdamWFunction.Part;
import org.mohawk4j.op.AdamWFunction.Slot;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.transforms.floating.Sqrt;
import org.nd4j.linalg.api.ops.impl.updaters.AdamUpdater;
import org.nd4j.linalg.factory.Nd4j;

/** AdamW by ND4J's own Adam, which does the moments and the step in one pass. */
final class Nd4jAdamW implements FusedAdamW {
    private final Nd4jPool pool;

    Nd4jAdamW(Nd4jPool pool) {
        this.pool = pool;
    }

    @Override
    public Array norm(List<Array> gradients) {
        DType dtype = gradients.get(0).dtype();
        Nd4jArray norm = pool.take(dtype, Shape.of());
        INDArray sum = norm.shaped(1, 1);
        sum.assign(0);
        for (Array gradient : gradients) {
            INDArray row = Nd4jArray.shaped(gradient, 1, gradient.shape().size());
            Nd4jScratch.accumulateMatmul(sum, row, false, row, true);
        }
        Nd4j.getExecutioner().exec(new Sqrt(sum, sum));
        return norm;
    }

    @Override
    public void update(List<Slot> slots, Array gradientScale, Hyperparameters h) {
        // ND4J adds epsilon to the root of the uncorrected moment, where PyTorch adds it to the corrected one's
        double epsilon = h.epsilon() * Math.sqrt(h.correction2());
        INDArray scale = Nd4jArray.flat(gradientScale);
        for (Slot slot : slots) {
            long from = 0;
            for (Part part : slot.parts()) {
                double learningRate = h.learningRate() * part.rateFactor();
                try (Nd4jScratch work = new Nd4jScratch(pool, slot.value().dtype())) {
                    INDArray step = work.take(part.count());
                    INDArray value = stretch(slot.value(), from, part);
                    INDArray first = stretch(slot.firstMoment(), from, part);
                    INDArray second = stretch(slot.secondMoment(), from, part);
                    Nd4jScratch.multiply(step, stretch(slot.gradient(), from, part), scale);
                    Nd4j.getExecutioner()
                            .exec(new AdamUpdater(
                                    step,
                                    second,
                                    first,
                                    step,
                                    second,
                                    first,
                                    learningRate,
                                    h.beta1(),
                                    h.beta2(),
                                    epsilon,
                                    h.step() - 1));
                    if (part.weightDecay() > 0) {
                        value.muli(1 - learningRate * part.weightDecay());
                    }
                    // ND4J takes epsilon in the place of a learning rate of 0
                    if (learningRate > 0) {
                        Nd4jScratch.subtract(value, value, step);
                    }
                }
                from += part.count();
            }
        }
    }

    private static INDArray stretch(Tensor tensor, long from, Part part) {
        return Nd4jArray.stretch(tensor.array(), from, part.count());
    }
}
