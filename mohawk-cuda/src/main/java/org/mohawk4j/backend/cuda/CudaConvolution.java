package org.mohawk4j.backend.cuda;

import org.mohawk4j.backend.Array;
import org.mohawk4j.functional.CausalConv1dFunction.CausalConv1dKernel;
import org.mohawk4j.tensor.Shape;

/** Depthwise causal convolution. */
final class CudaConvolution implements CausalConv1dKernel {
    private static final String SOURCE = "convolution.cu";

    /** Positions that one thread takes. */
    private static final long STRETCH = 32;

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
        Arguments arguments = kernels.arguments()
                .add(in)
                .add(CudaArray.cast(weight))
                .add(CudaArray.cast(bias))
                .add(y);
        launch("convolution", in, weight, arguments);
        return y;
    }

    @Override
    public Gradients backward(Array outputGradient, Array x, Array weight) {
        CudaArray in = CudaArray.cast(x);
        CudaArray upstream = CudaArray.cast(outputGradient);
        CudaArray dx = pool.take(in.dtype(), in.shape());
        launch(
                "convolution_input_gradient",
                in,
                weight,
                kernels.arguments().add(upstream).add(CudaArray.cast(weight)).add(dx));
        long channels = in.shape().dim(2);
        long parts = threads(in) / channels;
        CudaArray ofWeight =
                pool.take(in.dtype(), Shape.of(parts, weight.shape().size()));
        CudaArray ofBias = pool.take(in.dtype(), Shape.of(parts, channels));
        launch(
                "convolution_weight_gradient",
                in,
                weight,
                kernels.arguments().add(upstream).add(in).add(ofWeight).add(ofBias));
        return new Gradients(
                dx, reductions.summed(ofWeight, weight.shape()), reductions.summed(ofBias, Shape.of(channels)));
    }

    /** All three kernels end with the same arguments. */
    private void launch(String name, CudaArray x, Array weight, Arguments arguments) {
        long threads = threads(x);
        kernels.source(SOURCE, "TAPS=" + weight.shape().dim(-1))
                .kernel(name + ElementType.suffix(x.dtype()))
                .each(
                        threads,
                        arguments
                                .add(threads)
                                .add(x.shape().dim(1))
                                .add(x.shape().dim(2))
                                .add(STRETCH));
    }

    private static long threads(CudaArray x) {
        Shape shape = x.shape();
        return shape.dim(0) * ((shape.dim(1) + STRETCH - 1) / STRETCH) * shape.dim(2);
    }
}
