package org.mohawk4j.backend.cuda;

import org.mohawk4j.backend.Array;
import org.mohawk4j.functional.CausalConv1dFunction.CausalConv1dKernel;
import org.mohawk4j.tensor.Shape;

/** Depthwise causal convolution. */
final class CudaConvolution implements CausalConv1dKernel {
    private static final String SOURCE = "convolution.cu";

    /** Positions that one thread adds up. */
    private static final long STRETCH = 64;

    private final CudaPool pool;
    private final CudaKernels kernels;
    private final CudaReductions reductions;

    CudaConvolution(CudaPool pool, CudaKernels kernels, CudaReductions reductions) {
        this.pool = pool;
        this.kernels = kernels;
        this.reductions = reductions;
    }

    @Override
    public Array forward(Array x, Array weight, Array bias) {
        CudaArray in = CudaArray.cast(x);
        CudaArray y = pool.take(in.dtype(), in.shape());
        kernels.get(SOURCE, "convolution", in.dtype())
                .each(
                        y.size(),
                        kernels.arguments()
                                .add(in)
                                .add(CudaArray.cast(weight))
                                .add(CudaArray.cast(bias))
                                .add(y)
                                .add(y.size())
                                .add(in.shape().dim(1))
                                .add(in.shape().dim(2))
                                .add(taps(weight)));
        return y;
    }

    @Override
    public Gradients backward(Array outputGradient, Array x, Array weight) {
        CudaArray in = CudaArray.cast(x);
        CudaArray upstream = CudaArray.cast(outputGradient);
        long batch = in.shape().dim(0);
        long time = in.shape().dim(1);
        long channels = in.shape().dim(2);
        CudaArray dx = pool.take(in.dtype(), in.shape());
        kernels.get(SOURCE, "convolution_input_gradient", in.dtype())
                .each(
                        dx.size(),
                        kernels.arguments()
                                .add(upstream)
                                .add(CudaArray.cast(weight))
                                .add(dx)
                                .add(dx.size())
                                .add(time)
                                .add(channels)
                                .add(taps(weight)));
        long parts = batch * ((time + STRETCH - 1) / STRETCH);
        CudaArray ofWeight =
                pool.take(in.dtype(), Shape.of(parts, weight.shape().size()));
        CudaArray ofBias = pool.take(in.dtype(), Shape.of(parts, channels));
        kernels.get(SOURCE, "convolution_weight_gradient", in.dtype())
                .each(
                        parts * channels * (taps(weight) + 1),
                        kernels.arguments()
                                .add(upstream)
                                .add(in)
                                .add(ofWeight)
                                .add(ofBias)
                                .add(batch)
                                .add(time)
                                .add(channels)
                                .add(taps(weight))
                                .add(STRETCH));
        return new Gradients(
                dx, reductions.summed(ofWeight, weight.shape()), reductions.summed(ofBias, Shape.of(channels)));
    }

    private static int taps(Array weight) {
        return Math.toIntExact(weight.shape().dim(-1));
    }
}
