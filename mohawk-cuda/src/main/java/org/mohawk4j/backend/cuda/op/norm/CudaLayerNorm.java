package org.mohawk4j.backend.cuda.op.norm;

import java.util.List;
import java.util.Optional;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cuda.compile.CudaKernels;
import org.mohawk4j.backend.cuda.compile.ElementType;
import org.mohawk4j.backend.cuda.memory.CudaArray;
import org.mohawk4j.backend.cuda.memory.CudaPool;
import org.mohawk4j.backend.cuda.op.tensor.CudaReductions;
import org.mohawk4j.op.LayerNormFunction.FusedLayerNorm;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;

/** Layer normalisation that saves a mean and a rate for each row. */
public final class CudaLayerNorm implements FusedLayerNorm {
    private static final String SOURCE = "op/norm/layer_norm.cu";

    /** Groups of four numbers that a thread keeps at most. */
    private static final long MOST_FOURS = 8;

    /** Rows that one block takes on the way back. */
    private static final long STRETCH = 32;

    private final CudaPool pool;
    private final CudaKernels kernels;
    private final CudaReductions reductions;

    private final boolean mixed;

    /** @param mixed whether the result of float32 numbers is bfloat16 */
    public CudaLayerNorm(CudaPool pool, CudaKernels kernels, CudaReductions reductions, boolean mixed) {
        this.mixed = mixed;
        this.pool = pool;
        this.kernels = kernels;
        this.reductions = reductions;
    }

    /** The version for what a thread can keep of a row. */
    public CudaKernels.CudaFunction kernel(String name, String types, long width, CudaArray... arrays) {
        long fours = (width + 4 * CudaKernels.THREADS - 1) / (4 * CudaKernels.THREADS);
        boolean kept = fours <= MOST_FOURS && CudaKernels.inFours(width, arrays);
        return kernels.source(SOURCE, "FOURS=" + (kept ? fours : 0)).kernel(name + types);
    }

    /** The type of the result. */
    public DType normalised(DType dtype) {
        return mixed && dtype == DType.FLOAT32 ? DType.BFLOAT16 : dtype;
    }

    @Override
    public Result forward(Array x, Array weight, Array bias, double epsilon) {
        CudaArray in = CudaArray.cast(x);
        CudaArray scale = CudaArray.cast(weight);
        CudaArray shift = CudaArray.cast(bias);
        long width = in.shape().dim(-1);
        long rows = in.size() / width;
        DType dtype = normalised(in.dtype());
        DType statistics = ElementType.accumulator(in.dtype());
        CudaArray y = pool.take(dtype, in.shape());
        CudaArray means = pool.take(statistics, Shape.of(rows));
        CudaArray rates = pool.take(statistics, Shape.of(rows));
        String types = ElementType.suffix(in.dtype()) + ElementType.suffix(dtype);
        kernel("layer_norm", types, width, in, scale, shift, y)
                .overlapping()
                .launch(
                        rows,
                        1,
                        CudaKernels.THREADS,
                        0,
                        kernels.arguments()
                                .add(in)
                                .add(scale)
                                .add(shift)
                                .add(y)
                                .add(means)
                                .add(rates)
                                .add(width)
                                .add(epsilon));
        return new Result(y, List.of(means, rates));
    }

    @Override
    public Gradients backward(Array outputGradient, Array x, Array weight, List<Array> saved) {
        CudaArray dx = pool.take(x.dtype(), x.shape());
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
        CudaArray ofWeight = pool.take(means.dtype(), Shape.of(stretches, width));
        CudaArray ofBias = pool.take(means.dtype(), Shape.of(stretches, width));
        String types = ElementType.suffix(upstream.dtype()) + ElementType.suffix(in.dtype());
        kernel("layer_norm_gradient", types, width, upstream, in, scale, other.orElse(in), dx, narrow.orElse(dx))
                .launch(
                        stretches,
                        1,
                        CudaKernels.THREADS,
                        0,
                        kernels.arguments()
                                .add(upstream)
                                .add(in)
                                .add(scale)
                                .add(means)
                                .add(CudaArray.cast(saved.get(1)))
                                .add(other)
                                .add(dx)
                                .add(narrow)
                                .add(ofWeight)
                                .add(ofBias)
                                .add(rows)
                                .add(width)
                                .add(STRETCH));
        return new Sums(reductions.summed(ofWeight, weight.shape()), reductions.summed(ofBias, weight.shape()));
    }
}
