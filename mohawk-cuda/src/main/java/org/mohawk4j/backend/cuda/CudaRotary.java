package org.mohawk4j.backend.cuda;

import org.mohawk4j.backend.Array;
import org.mohawk4j.functional.RotaryFunction.RotaryKernel;
import org.mohawk4j.tensor.Shape;

/** Rotary position embedding in one pass. */
final class CudaRotary implements RotaryKernel {
    private static final String SOURCE = "rotary.cu";

    private final CudaPool pool;
    private final CudaKernels kernels;

    CudaRotary(CudaPool pool, CudaKernels kernels) {
        this.pool = pool;
        this.kernels = kernels;
    }

    @Override
    public Array rotate(Array x, Array cos, Array sin, int rotaryDim, long firstPosition, boolean inverse) {
        CudaArray in = CudaArray.cast(x);
        Shape shape = in.shape();
        CudaArray y = pool.take(in.dtype(), shape);
        kernels.get(SOURCE, "rotary", in.dtype())
                .each(
                        // two groups of four a thread
                        CudaKernels.fours(y.size()) / 2 + 1,
                        kernels.arguments()
                                .add(in)
                                .add(CudaArray.cast(cos))
                                .add(CudaArray.cast(sin))
                                .add(y)
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
