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

/** A residual sum with its layer normalization, in one pass each way. */
public final class CudaResidualNorm implements FusedResidualNorm {
    private final Gpu gpu;
    private final CudaLayerNorm norm;

    public CudaResidualNorm(Gpu gpu, CudaLayerNorm norm) {
        this.gpu = gpu;
        this.norm = norm;
    }

    @Override
    public boolean supports(DType stream, DType branch) {
        return isNarrowing(gpu, stream, branch);
    }

    /**
     * Whether the gradient of a stream is one of a branch as well, or one that is rounded for it on the way. The latter is
     * computed where the norm is rounded too.
     */
    static boolean isNarrowing(Gpu gpu, DType stream, DType branch) {
        return stream == branch
                || (stream == DType.FLOAT32
                        && branch == DType.BFLOAT16
                        && gpu.matmul().operands(stream) == branch);
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
            Array sumGradient, Array normalizedGradient, Array sum, Array weight, DType branch, List<Array> saved) {
        Ways ways = Ways.of(gpu, sumGradient, sum, branch);
        CudaLayerNorm.Sums sums = norm.gradients(
                normalizedGradient, sum, weight, saved, Optional.of(ways.other()), ways.stream(), ways.narrow());
        gpu.release(ways.other());
        return new Gradients(ways.stream(), ways.branch(), sums.weight(), sums.bias());
    }

    /**
     * What goes through the gradient of a norm beside that of its result.
     *
     * @param other the sum's own gradient
     * @param stream receives that of the stream
     * @param branch receives that of a branch, and may be the same
     */
    record Ways(CudaArray other, CudaArray stream, CudaArray branch) {
        static Ways of(Gpu gpu, Array sumGradient, Array sum, DType branch) {
            CudaArray other = gpu.as(sum.dtype(), sumGradient);
            CudaArray stream = gpu.take(sum.dtype(), sum.shape());
            return new Ways(
                    other,
                    stream,
                    branch == sum.dtype() ? gpu.view(stream, 0, sum.shape()) : gpu.take(branch, sum.shape()));
        }

        /** The branch's, where it is not the stream's. */
        Optional<CudaArray> narrow() {
            return branch.dtype() == stream.dtype() ? Optional.empty() : Optional.of(branch);
        }
    }
}
