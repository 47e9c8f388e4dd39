package org.mohawk4j.backend.cuda.op.norm;

import java.util.List;
import java.util.Optional;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cuda.compile.CudaKernels;
import org.mohawk4j.backend.cuda.compile.ElementType;
import org.mohawk4j.backend.cuda.memory.CudaArray;
import org.mohawk4j.backend.cuda.memory.CudaPool;
import org.mohawk4j.backend.cuda.op.tensor.Conversions;
import org.mohawk4j.op.ResidualNormFunction.FusedResidualNorm;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;

/** A residual sum with its layer normalisation, in one pass each way. */
public final class CudaResidualNorm implements FusedResidualNorm {
    private final CudaPool pool;
    private final CudaKernels kernels;
    private final CudaLayerNorm norm;
    private final Conversions conversions;

    public CudaResidualNorm(CudaPool pool, CudaKernels kernels, CudaLayerNorm norm, Conversions conversions) {
        this.pool = pool;
        this.kernels = kernels;
        this.norm = norm;
        this.conversions = conversions;
    }

    @Override
    public boolean supports(DType stream, DType branch) {
        return stream == branch || (stream == DType.FLOAT32 && branch == DType.BFLOAT16);
    }

    @Override
    public Result forward(Array h, Array a, Array b, Array weight, Array bias, double epsilon) {
        CudaArray stream = CudaArray.cast(h);
        CudaArray first = CudaArray.cast(a);
        CudaArray second = CudaArray.cast(b);
        CudaArray scale = CudaArray.cast(weight);
        CudaArray shift = CudaArray.cast(bias);
        long width = stream.shape().dim(-1);
        long rows = stream.size() / width;
        DType dtype = norm.normalised(stream.dtype());
        DType statistics = ElementType.accumulator(stream.dtype());
        CudaArray sum = pool.take(stream.dtype(), stream.shape());
        CudaArray y = pool.take(dtype, stream.shape());
        CudaArray means = pool.take(statistics, Shape.of(rows));
        CudaArray rates = pool.take(statistics, Shape.of(rows));
        String types =
                ElementType.suffix(stream.dtype()) + ElementType.suffix(first.dtype()) + ElementType.suffix(dtype);
        norm.kernel("residual_norm", types, width, stream, first, second, scale, shift, sum, y)
                .launch(
                        rows,
                        1,
                        CudaKernels.THREADS,
                        0,
                        kernels.arguments()
                                .add(stream)
                                .add(first)
                                .add(second)
                                .add(scale)
                                .add(shift)
                                .add(sum)
                                .add(y)
                                .add(means)
                                .add(rates)
                                .add(width)
                                .add(epsilon));
        return new Result(sum, y, List.of(means, rates));
    }

    @Override
    public Gradients backward(
            Array sumGradient, Array normalisedGradient, Array sum, Array weight, DType branch, List<Array> saved) {
        CudaArray other = conversions.as(sum.dtype(), sumGradient);
        CudaArray ofStream = pool.take(sum.dtype(), sum.shape());
        boolean narrower = branch != sum.dtype();
        CudaArray ofBranch = narrower ? pool.take(branch, sum.shape()) : pool.view(ofStream, 0, sum.shape());
        CudaLayerNorm.Sums sums = norm.gradients(
                normalisedGradient,
                sum,
                weight,
                saved,
                Optional.of(other),
                ofStream,
                narrower ? Optional.of(ofBranch) : Optional.empty());
        pool.release(other);
        return new Gradients(ofStream, ofBranch, sums.weight(), sums.bias());
    }
}
