package org.mohawk4j.backend.cuda;

import java.util.List;
import org.mohawk4j.backend.Array;
import org.mohawk4j.functional.LayerNormFunction.LayerNormKernel;
import org.mohawk4j.tensor.DType;
import org.mohawk4j.tensor.Shape;

/** Layer normalisation that saves a mean and a rate for each row. */
final class CudaLayerNorm implements LayerNormKernel {
    private static final String SOURCE = "layer_norm.cu";

    /** Groups of four numbers that a thread keeps at most. */
    private static final long MOST_FOURS = 8;

    /** Rows that one thread adds up. */
    private static final long STRETCH = 32;

    private final CudaPool pool;
    private final CudaKernels kernels;
    private final CudaReductions reductions;

    private final boolean mixed;

    /** @param mixed whether the result of float32 numbers is bfloat16 */
    CudaLayerNorm(CudaPool pool, CudaKernels kernels, CudaReductions reductions, boolean mixed) {
        this.mixed = mixed;
        this.pool = pool;
        this.kernels = kernels;
        this.reductions = reductions;
    }

    /** The version for what a thread can keep of a row. */
    private CudaKernels.Kernel kernel(String name, DType left, DType right, long width, CudaArray... arrays) {
        long fours = (width + 4 * CudaKernels.THREADS - 1) / (4 * CudaKernels.THREADS);
        boolean kept = fours <= MOST_FOURS && CudaKernels.inFours(width, arrays);
        return kernels.source(SOURCE, "FOURS=" + (kept ? fours : 0))
                .kernel(name + ElementType.suffix(left) + ElementType.suffix(right));
    }

    @Override
    public Result forward(Array x, Array weight, Array bias, double epsilon) {
        CudaArray in = CudaArray.cast(x);
        long width = in.shape().dim(-1);
        long rows = in.size() / width;
        DType dtype = mixed && in.dtype() == DType.FLOAT32 ? DType.BFLOAT16 : in.dtype();
        DType statistics = ElementType.accumulator(in.dtype());
        CudaArray y = pool.take(dtype, in.shape());
        CudaArray means = pool.take(statistics, Shape.of(rows));
        CudaArray rates = pool.take(statistics, Shape.of(rows));
        kernel("layer_norm", in.dtype(), dtype, width, in, CudaArray.cast(weight), CudaArray.cast(bias), y)
                .overlapping()
                .launch(
                        rows,
                        1,
                        CudaKernels.THREADS,
                        0,
                        kernels.arguments()
                                .add(in)
                                .add(CudaArray.cast(weight))
                                .add(CudaArray.cast(bias))
                                .add(y)
                                .add(means)
                                .add(rates)
                                .add(width)
                                .add(epsilon));
        return new Result(y, List.of(means, rates));
    }

    @Override
    public Gradients backward(Array outputGradient, Array x, Array weight, List<Array> saved) {
        CudaArray in = CudaArray.cast(x);
        CudaArray upstream = CudaArray.cast(outputGradient);
        CudaArray means = CudaArray.cast(saved.get(0));
        CudaArray rates = CudaArray.cast(saved.get(1));
        long width = in.shape().dim(-1);
        long rows = in.size() / width;
        CudaArray dx = pool.take(in.dtype(), in.shape());
        kernel(
                        "layer_norm_input_gradient",
                        upstream.dtype(),
                        in.dtype(),
                        width,
                        upstream,
                        in,
                        CudaArray.cast(weight),
                        dx)
                .launch(
                        rows,
                        1,
                        CudaKernels.THREADS,
                        0,
                        kernels.arguments()
                                .add(upstream)
                                .add(in)
                                .add(CudaArray.cast(weight))
                                .add(means)
                                .add(rates)
                                .add(dx)
                                .add(width));
        long stretches = (rows + STRETCH - 1) / STRETCH;
        CudaArray ofWeight = pool.take(means.dtype(), Shape.of(stretches, width));
        CudaArray ofBias = pool.take(means.dtype(), Shape.of(stretches, width));
        kernel("layer_norm_weight_gradient", upstream.dtype(), in.dtype(), width, upstream, in)
                .each(
                        CudaKernels.fours(stretches * width),
                        kernels.arguments()
                                .add(upstream)
                                .add(in)
                                .add(means)
                                .add(rates)
                                .add(ofWeight)
                                .add(ofBias)
                                .add(rows)
                                .add(width)
                                .add(STRETCH));
        return new Gradients(
                dx, reductions.summed(ofWeight, weight.shape()), reductions.summed(ofBias, weight.shape()));
    }
}
