package org.mohawk4j.backend.cuda.op.mamba;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cuda.compile.CudaKernels;
import org.mohawk4j.backend.cuda.compile.ElementType;
import org.mohawk4j.backend.cuda.compile.KernelArguments;
import org.mohawk4j.backend.cuda.memory.CudaArray;
import org.mohawk4j.backend.cuda.op.Gpu;
import org.mohawk4j.op.CausalConv1dFunction.FusedCausalConv1d;
import org.mohawk4j.op.CausalConv1dFunction.FusedSplitConv1d;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;

/** Depthwise causal convolution. */
public final class CudaConvolution implements FusedCausalConv1d, FusedSplitConv1d {
    private static final String SOURCE = "op/mamba/convolution.cu";

    /** Positions that one thread takes. */
    private static final long STRETCH = 64;

    private static final int MOST_PARTS = 4;

    private final Gpu gpu;

    public CudaConvolution(Gpu gpu) {
        this.gpu = gpu;
    }

    @Override
    public Array forward(Array x, Array weight, Array bias, boolean trained) {
        return forward(x, weight, bias, trained, x.shape().dim(2)).get(0);
    }

    @Override
    public Gradients backward(Array outputGradient, Array x, Array weight) {
        return backward(List.of(outputGradient), x, weight);
    }

    @Override
    public int mostParts() {
        return MOST_PARTS;
    }

    @Override
    public List<Array> forward(Array x, Array weight, Array bias, boolean trained, long... lengths) {
        return List.copyOf(forward(Rows.of(x), weight, bias, trained, lengths));
    }

    /**
     * [B,T,C] as it lies in memory.
     *
     * @param array from the first number on
     * @param shape [B,T,C]
     * @param stride from a position to the next, C or more
     */
    public record Rows(CudaArray array, Shape shape, long stride) {
        public static Rows of(Array x) {
            return new Rows(CudaArray.cast(x), x.shape(), x.shape().dim(2));
        }
    }

    /** As {@link FusedSplitConv1d#forward}. */
    public List<CudaArray> forward(Rows x, Array weight, Array bias, boolean trained, long... lengths) {
        List<CudaArray> parts = new ArrayList<>();
        for (long length : lengths) {
            parts.add(gpu.take(x.array().dtype(), x.shape().with(2, length)));
        }
        Work work = new Work(x, weight, parts, false, CudaArray.cast(bias));
        DType dtype = x.array().dtype();
        work.run(
                trained && dtype == DType.BFLOAT16 ? "convolution_dithered" : ElementType.named("convolution", dtype),
                gpu.arguments().add(x.array()).add(weight, bias).addStruct(work.parts()));
        return parts;
    }

    @Override
    public Gradients backward(List<Array> outputGradients, Array x, Array weight) {
        CudaArray dx = gpu.take(x.dtype(), x.shape());
        Sums sums = gradients(outputGradients, Optional.empty(), Rows.of(x), weight, dx);
        return new Gradients(dx, sums.weight(), sums.bias());
    }

    /** Gradients of weight [C,1,K] and bias [C]. */
    public record Sums(CudaArray weight, CudaArray bias) {}

    /**
     * What the gradient of the first part is more than what is given for it: something of the same shape and type, scaled
     * by head.
     *
     * @param scales [H]
     * @param head channels of one
     */
    public record Around(CudaArray upstream, CudaArray scales, long head) {}

    /**
     * All gradients in one pass.
     *
     * @param outputGradients in parts
     * @param dx receives the gradient of x, and has its stride
     */
    public Sums gradients(List<Array> outputGradients, Optional<Around> around, Rows x, Array weight, CudaArray dx) {
        DType upstream = outputGradients.stream()
                .map(Array::dtype)
                .reduce(ElementType::wider)
                .orElseThrow();
        List<CudaArray> parts = outputGradients.stream()
                .map(gradient -> gpu.as(upstream, gradient))
                .toList();
        Work work = new Work(x, weight, parts, around.isPresent(), dx);
        long channels = x.shape().dim(2);
        CudaArray ofWeight = gpu.take(
                weight.dtype(), Shape.of(work.stretches(), weight.shape().size()));
        CudaArray ofBias = gpu.take(weight.dtype(), Shape.of(work.stretches(), channels));
        work.run(
                ElementType.named("convolution_gradient", upstream, x.array().dtype()),
                gpu.arguments()
                        .addStruct(work.parts())
                        .add(around.map(Around::upstream))
                        .add(around.map(Around::scales))
                        .add(around.map(Around::head).orElse(1L))
                        .add(x.array())
                        .add(weight, dx, ofWeight, ofBias));
        parts.forEach(gpu::release);
        return new Sums(
                gpu.reductions().summed(ofWeight, weight.shape()),
                gpu.reductions().summed(ofBias, Shape.of(channels)));
    }

    /** How one convolution is shared among threads. */
    private final class Work {
        private final Shape shape;
        private final long stride;
        private final CudaKernels.Source source;
        private final int channelsAtOnce;

        private final long[] parts = new long[2 * MOST_PARTS];

        /**
         * @param onOutputSide in parts
         * @param around whether the first part's gradient is a sum
         * @param other what else is read and written channel by channel
         */
        Work(Rows x, Array weight, List<CudaArray> onOutputSide, boolean around, CudaArray other) {
            shape = x.shape();
            stride = x.stride();
            if (onOutputSide.size() > MOST_PARTS) {
                throw new IllegalArgumentException(
                        "a convolution split into " + onOutputSide.size() + " parts, at most " + MOST_PARTS);
            }
            // four doubles are too many for a thread's registers
            boolean fours = x.array().dtype() != DType.FLOAT64
                    && CudaKernels.inFours(stride, x.array(), CudaArray.cast(weight), other);
            long until = 0;
            for (int i = 0; i < onOutputSide.size(); i++) {
                CudaArray part = onOutputSide.get(i);
                fours &= CudaKernels.inFours(part.shape().dim(2), part);
                until += part.shape().dim(2);
                parts[i] = until;
                parts[MOST_PARTS + i] = part.address();
            }
            channelsAtOnce = fours ? 4 : 1;
            source = gpu.source(
                    SOURCE,
                    "TAPS=" + weight.shape().dim(-1),
                    "CHANNELS=" + channelsAtOnce,
                    "AROUND=" + (around ? 1 : 0));
        }

        /** The structure of that name in {@code convolution.cu}. */
        long[] parts() {
            return parts;
        }

        /** Stretches of all sequences. */
        long stretches() {
            return shape.dim(0) * ((shape.dim(1) + STRETCH - 1) / STRETCH);
        }

        /** All kernels end with the same arguments. */
        void run(String kernel, KernelArguments arguments) {
            long threads = stretches() * shape.dim(2) / channelsAtOnce;
            source.kernel(kernel)
                    .each(
                            threads,
                            arguments
                                    .add(threads)
                                    .add(shape.dim(1))
                                    .add(shape.dim(2))
                                    .add(stride)
                                    .add(STRETCH));
        }
    }
}
