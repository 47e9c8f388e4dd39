package org.mohawk4j.backend.cuda;

import java.util.List;
import org.mohawk4j.backend.Array;
import org.mohawk4j.functional.LayerNormFunction.LayerNormKernel;
import org.mohawk4j.tensor.DType;
import org.mohawk4j.tensor.Shape;

/** Layer normalisation that saves a mean and a rate for each row. */
final class CudaLayerNorm implements LayerNormKernel {
    private static final String SOURCE = "layer_norm.cu";

    /** Rows that one thread adds up. */
    private static final long STRETCH = 64;

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
        kernels.get(SOURCE, "layer_norm", in.dtype(), dtype)
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
        kernels.get(SOURCE, "layer_norm_input_gradient", upstream.dtype(), in.dtype())
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
        kernels.get(SOURCE, "layer_norm_weight_gradient", upstream.dtype(), in.dtype())
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
