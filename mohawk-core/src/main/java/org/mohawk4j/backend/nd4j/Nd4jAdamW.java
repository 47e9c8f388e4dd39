package org.mohawk4j.backend.nd4j;

import java.util.List;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.nd4j.array.Nd4jArray;
import org.mohawk4j.backend.nd4j.array.Nd4jPool;
import org.mohawk4j.backend.nd4j.array.Nd4jScratch;
import org.mohawk4j.op.AdamWFunction.FusedAdamW;
import org.mohawk4j.op.AdamWFunction.Hyperparameters;
import org.mohawk4j.op.AdamWFunction.Slot;
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
            long size = slot.value().shape().size();
            try (Nd4jScratch work = new Nd4jScratch(pool, slot.value().dtype())) {
                INDArray step = work.take(size);
                INDArray value = Nd4jArray.flat(slot.value().array());
                INDArray first = Nd4jArray.flat(slot.firstMoment().array());
                INDArray second = Nd4jArray.flat(slot.secondMoment().array());
                Nd4jScratch.multiply(step, Nd4jArray.flat(slot.gradient().array()), scale);
                Nd4j.getExecutioner()
                        .exec(new AdamUpdater(
                                step,
                                second,
                                first,
                                step,
                                second,
                                first,
                                h.learningRate(),
                                h.beta1(),
                                h.beta2(),
                                epsilon,
                                h.step() - 1));
                if (slot.decayed()) {
                    value.muli(1 - h.learningRate() * h.weightDecay());
                }
                Nd4jScratch.subtract(value, value, step);
            }
        }
    }
}
