package org.mohawk4j.backend.cuda.op.norm;

import java.util.List;
import java.util.Optional;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cuda.compile.ElementType;
import org.mohawk4j.backend.cuda.memory.CudaArray;
import org.mohawk4j.backend.cuda.op.Gpu;
import org.mohawk4j.op.ResidualNormFunction.FusedResidualNorm;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;

/** A residual sum with its layer normalisation, in one pass each way. */
public final class CudaResidualNorm implements FusedResidualNorm {
    private final Gpu gpu;
    private final CudaLayerNorm norm;

    public CudaResidualNorm(Gpu gpu, CudaLayerNorm norm) {
        this.gpu = gpu;
        this.norm = norm;
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
        DType dtype = gpu.matmul().operands(stream.dtype());
        DType statistics = ElementType.accumulator(stream.dtype());
        CudaArray sum = gpu.take(stream.dtype(), stream.shape());
        CudaArray y = gpu.take(dtype, stream.shape());
        CudaArray means = gpu.take(statistics, Shape.of(rows));
        CudaArray rates = gpu.take(statistics, Shape.of(rows));
        String name = ElementType.named("residual_norm", stream.dtype(), first.dtype(), dtype);
        norm.kernel(name, width, stream, first, second, scale, shift, sum, y)
                .blocks(
                        rows,
                        gpu.arguments()
                                .add(stream, first, second, scale, shift, sum, y, means, rates)
                                .add(width)
                                .add(epsilon));
        return new Result(sum, y, List.of(means, rates));
    }

    @Override
    public Gradients backward(
            Array sumGradient, Array normalisedGradient, Array sum, Array weight, DType branch, List<Array> saved) {
        CudaArray other = gpu.as(sum.dtype(), sumGradient);
        CudaArray ofStream = gpu.take(sum.dtype(), sum.shape());
        boolean narrower = branch != sum.dtype();
        CudaArray ofBranch = narrower ? gpu.take(branch, sum.shape()) : gpu.view(ofStream, 0, sum.shape());
        CudaLayerNorm.Sums sums = norm.gradients(
                normalisedGradient,
                sum,
                weight,
                saved,
                Optional.of(other),
                ofStream,
                narrower ? Optional.of(ofBranch) : Optional.empty());
        gpu.release(other);
        return new Gradients(ofStream, ofBranch, sums.weight(), sums.bias());
    }
}
