package org.mohawk4j.backend.cuda.op.norm;

import java.util.List;
import java.util.Optional;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cuda.memory.CudaArray;
import org.mohawk4j.backend.cuda.op.Gpu;
import org.mohawk4j.op.ResidualRmsNormFunction.FusedResidualRmsNorm;
import org.mohawk4j.op.RmsNormFunction.FusedRmsNorm;
import org.mohawk4j.tensor.types.DType;

/** A residual sum with its RMS normalization, in one pass each way. */
public final class CudaResidualRmsNorm implements FusedResidualRmsNorm {
    private final Gpu gpu;
    private final CudaRmsNorm norm;

    public CudaResidualRmsNorm(Gpu gpu, CudaRmsNorm norm) {
        this.gpu = gpu;
        this.norm = norm;
    }

    @Override
    public boolean supports(DType stream, DType branch) {
        return CudaResidualNorm.isNarrowing(gpu, stream, branch);
    }

    @Override
    public Result forward(Array h, Array a, Array weight, double epsilon) {
        CudaArray sum = gpu.take(h.dtype(), h.shape());
        FusedRmsNorm.Result made =
                norm.forward(Optional.of(sum), weight, epsilon, CudaArray.cast(h), CudaArray.cast(a));
        return new Result(sum, made.output(), made.saved());
    }

    @Override
    public Gradients backward(
            Array sumGradient, Array normalizedGradient, Array sum, Array weight, DType branch, List<Array> saved) {
        CudaResidualNorm.Ways ways = CudaResidualNorm.Ways.of(gpu, sumGradient, sum, branch);
        CudaArray ofWeight = norm.gradients(
                normalizedGradient, sum, weight, saved, Optional.of(ways.other()), ways.stream(), ways.narrow());
        gpu.release(ways.other());
        return new Gradients(ways.stream(), ways.branch(), ofWeight);
    }
}
