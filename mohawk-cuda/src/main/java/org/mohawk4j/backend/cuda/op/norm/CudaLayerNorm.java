package org.mohawk4j.backend.cuda.op.norm;

import java.util.List;
import java.util.Optional;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cuda.compile.CudaKernels;
import org.mohawk4j.backend.cuda.compile.ElementType;
import org.mohawk4j.backend.cuda.memory.CudaArray;
import org.mohawk4j.backend.cuda.op.Gpu;
import org.mohawk4j.op.LayerNormFunction.FusedLayerNorm;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;

/** Layer normalization that saves a mean and a rate for each row. */
public final class CudaLayerNorm implements FusedLayerNorm {
    private static final String SOURCE = "op/norm/layer_norm.cu";

    /** Groups of four numbers that a thread keeps at most. */
    private static final long MOST_FOURS = 8;

    /** Rows that one block takes on the way back. */
    private static final long STRETCH = 32;

    private final Gpu gpu;

    public CudaLayerNorm(Gpu gpu) {
        this.gpu = gpu;
    }

    /** The version for what a thread can keep of a row. */
    public CudaKernels.CudaFunction kernel(String name, long width, CudaArray... arrays) {
        return gpu.source(SOURCE, "FOURS=" + keptFours(width, CudaKernels.THREADS, arrays))
                .kernel(name);
    }

    /** How many groups of four numbers each thread of a row keeps; 0 if it cannot keep what it takes. */
    static long keptFours(long width, int threads, CudaArray... arrays) {
        long fours = (width + 4L * threads - 1) / (4L * threads);
        return fours <= MOST_FOURS && CudaKernels.inFours(width, arrays) ? fours : 0;
    }

    @Override
    public Result forward(Array x, Array weight, Array bias, double epsilon) {
        CudaArray in = CudaArray.cast(x);
        CudaArray scale = CudaArray.cast(weight);
        CudaArray shift = CudaArray.cast(bias);
        long width = in.shape().dim(-1);
        long rows = in.size() / width;
        DType dtype = gpu.matmul().operands(in.dtype());
        DType statistics = ElementType.accumulator(in.dtype());
        CudaArray y = gpu.take(dtype, in.shape());
        CudaArray means = gpu.take(statistics, Shape.of(rows));
        CudaArray rates = gpu.take(statistics, Shape.of(rows));
        kernel(ElementType.named("layer_norm", in.dtype(), dtype), width, in, scale, shift, y)
                .overlapping()
                .blocks(
                        rows,
                        gpu.arguments()
                                .add(in, scale, shift, y, means, rates)
                                .add(width)
                                .add(epsilon));
        return new Result(y, List.of(means, rates));
    }

    @Override
    public Gradients backward(Array outputGradient, Array x, Array weight, List<Array> saved) {
        CudaArray dx = gpu.take(x.dtype(), x.shape());
        Sums sums = gradients(outputGradient, x, weight, saved, Optional.empty(), dx, Optional.empty());
        return new Gradients(dx, sums.weight(), sums.bias());
    }

    /** Gradients of weight [D] and bias [D]. */
    public record Sums(CudaArray weight, CudaArray bias) {}

    /**
     * All gradients in one pass.
     *
     * @param saved what the forward pass saved: means and rates
     * @param other another gradient of x, which is added
     * @param dx receives the gradient of x
     * @param narrow receives it in bfloat16 as well
     */
    public Sums gradients(
            Array outputGradient,
            Array x,
            Array weight,
            List<Array> saved,
            Optional<CudaArray> other,
            CudaArray dx,
            Optional<CudaArray> narrow) {
        CudaArray in = CudaArray.cast(x);
        CudaArray upstream = CudaArray.cast(outputGradient);
        CudaArray scale = CudaArray.cast(weight);
        CudaArray means = CudaArray.cast(saved.get(0));
        long width = in.shape().dim(-1);
        long rows = in.size() / width;
        long stretches = (rows + STRETCH - 1) / STRETCH;
        CudaArray ofWeight = gpu.take(means.dtype(), Shape.of(stretches, width));
        CudaArray ofBias = gpu.take(means.dtype(), Shape.of(stretches, width));
        String name = ElementType.named("layer_norm_gradient", upstream.dtype(), in.dtype());
        kernel(name, width, upstream, in, scale, other.orElse(in), dx, narrow.orElse(dx))
                .blocks(
                        stretches,
                        gpu.arguments()
                                .add(upstream, in, scale, means, saved.get(1))
                                .add(other)
                                .add(dx)
                                .add(narrow)
                                .add(ofWeight, ofBias)
                                .add(rows)
                                .add(width)
                                .add(STRETCH));
        return new Sums(
                gpu.reductions().summed(ofWeight, weight.shape()),
                gpu.reductions().summed(ofBias, weight.shape()));
    }
}
