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
        Work work = new Work(in, weight, in, y);
        work.run(
                "convolution" + ElementType.suffix(in.dtype()),
                kernels.arguments()
                        .add(in)
                        .add(CudaArray.cast(weight))
                        .add(CudaArray.cast(bias))
                        .add(y));
        return y;
    }

    @Override
    public Gradients backward(Array outputGradient, Array x, Array weight) {
        CudaArray in = CudaArray.cast(x);
        CudaArray upstream = CudaArray.cast(outputGradient);
        CudaArray dx = pool.take(in.dtype(), in.shape());
        Work work = new Work(in, weight, in, upstream, dx);
        String types = ElementType.suffix(upstream.dtype()) + ElementType.suffix(in.dtype());
        work.run(
                "convolution_input_gradient" + types,
                kernels.arguments().add(upstream).add(CudaArray.cast(weight)).add(dx));
        long channels = in.shape().dim(2);
        CudaArray ofWeight =
                pool.take(weight.dtype(), Shape.of(work.parts(), weight.shape().size()));
        CudaArray ofBias = pool.take(weight.dtype(), Shape.of(work.parts(), channels));
        work.run(
                "convolution_weight_gradient" + types,
                kernels.arguments().add(upstream).add(in).add(ofWeight).add(ofBias));
        return new Gradients(
                dx, reductions.summed(ofWeight, weight.shape()), reductions.summed(ofBias, Shape.of(channels)));
    }

    /** How one convolution is shared among threads. */
    private final class Work {
        private final Shape shape;
        private final CudaKernels.Source source;
        private final int channelsAtOnce;

        /** @param arrays what is read and written channel by channel */
        Work(CudaArray x, Array weight, CudaArray... arrays) {
            shape = x.shape();
            channelsAtOnce = CudaKernels.inFours(shape.dim(2), arrays) ? 4 : 1;
            source = kernels.source(SOURCE, "TAPS=" + weight.shape().dim(-1), "CHANNELS=" + channelsAtOnce);
        }

        /** Stretches of all sequences. */
        long parts() {
            return shape.dim(0) * ((shape.dim(1) + STRETCH - 1) / STRETCH);
        }

        /** All kernels end with the same arguments. */
        void run(String kernel, Arguments arguments) {
            long threads = parts() * shape.dim(2) / channelsAtOnce;
            source.kernel(kernel)
                    .each(
                            threads,
                            arguments
                                    .add(threads)
                                    .add(shape.dim(1))
                                    .add(shape.dim(2))
                                    .add(STRETCH));
        }
    }
}
