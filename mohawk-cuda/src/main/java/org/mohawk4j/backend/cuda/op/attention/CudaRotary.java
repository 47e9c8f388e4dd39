package org.mohawk4j.backend.cuda.op.attention;

import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cuda.compile.CudaKernels;
import org.mohawk4j.backend.cuda.memory.CudaArray;
import org.mohawk4j.backend.cuda.op.Gpu;
import org.mohawk4j.op.RotaryFunction.FusedRotary;
import org.mohawk4j.tensor.types.Shape;

/** Rotary position embedding in one pass. */
public final class CudaRotary implements FusedRotary {
    private static final String SOURCE = "op/attention/rotary.cu";

    private final Gpu gpu;

    public CudaRotary(Gpu gpu) {
        this.gpu = gpu;
    }

    @Override
    public Array rotate(Array x, Array cos, Array sin, int rotaryDim, long firstPosition, boolean inverse) {
        CudaArray in = CudaArray.cast(x);
        Shape shape = in.shape();
        CudaArray y = gpu.take(in.dtype(), shape);
        gpu.kernel(SOURCE, "rotary", in.dtype())
                .each(
                        // two groups of four a thread
                        CudaKernels.fours(y.size()) / 2 + 1,
                        gpu.arguments()
                                .add(in, cos, sin, y)
                                .add(y.size())
                                .add(shape.dim(1))
                                .add(shape.dim(2))
                                .add(shape.dim(3))
                                .add((long) rotaryDim)
                                .add(firstPosition)
                                .add(inverse ? -1 : 1));
        return y;
    }
}
