package org.mohawk4j.dl4j.layer;

import java.util.Arrays;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.op.EmbeddingFunction;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Which steps of a batch of sequences are there. A causal mixer computes with the steps that are there moved to the
 * front of their sequence, so that those that are not can have no effect on them, and the results are moved back.
 */
final class SequenceMask {
    private final int batch;
    private final int time;
    /** Where each step of the packed sequences comes from, in B·T. */
    private final int[] order;
    /** Where each step has gone. */
    private final int[] inverse;

    private final double[] present;
    private final boolean packed;

    /**
     * @param mask [B,T]: 0 where a step is not there
     * @throws InvalidInputException naming the layer and both shapes, if the mask has another shape
     */
    SequenceMask(String layer, INDArray mask, long batch, long time) {
        if (mask.rank() != 2 || mask.size(0) != batch || mask.size(1) != time) {
            throw new InvalidInputException(layer + ": expected a mask of shape [" + batch + ", " + time
                    + "] for " + batch + " sequences of " + time + " steps, found "
                    + Arrays.toString(mask.shape()));
        }
        this.batch = Math.toIntExact(batch);
        this.time = Math.toIntExact(time);
        double[] flat = mask.castTo(DataType.DOUBLE).dup('c').data().asDouble();
        order = new int[flat.length];
        inverse = new int[flat.length];
        present = new double[flat.length];
        boolean moved = false;
        for (int b = 0; b < this.batch; b++) {
            int front = b * this.time;
            for (int pass = 0; pass < 2; pass++) {
                for (int i = b * this.time; i < (b + 1) * this.time; i++) {
                    boolean there = flat[i] != 0;
                    if (there == (pass == 0)) {
                        moved |= there && front != i;
                        present[i] = there ? 1 : 0;
                        inverse[i] = front;
                        order[front++] = i;
                    }
                }
            }
        }
        packed = moved;
    }

    /** Moves the steps of x [B,T,D] that are there to the front. */
    Tensor pack(Tensor x) {
        return packed ? gather(x, order) : x;
    }

    /** Moves the steps of y [B,T,D] back, and sets those that are not there to zero. */
    Tensor unpack(Tensor y) {
        Engine engine = y.engine();
        Tensor back = packed ? gather(y, inverse) : y;
        return back.mul(engine.tensor(present, batch, time, 1));
    }

    private Tensor gather(Tensor x, int[] rows) {
        return EmbeddingFunction.apply(
                x.reshape((long) batch * time, x.dim(2)), x.engine().indices(rows, batch, time));
    }
}
