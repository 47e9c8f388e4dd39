package org.mohawk4j.backend.cuda.op.mamba;

import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cuda.memory.CudaArray;
import org.mohawk4j.backend.cuda.op.Gpu;
import org.mohawk4j.backend.cuda.op.tensor.ColumnSums;
import org.mohawk4j.op.SkipFunction.FusedSkip;
import org.mohawk4j.tensor.types.Shape;

/** A state-space layer's way around its state, in one pass each way. */
public final class CudaSkip implements FusedSkip {

    private final Gpu gpu;

    public CudaSkip(Gpu gpu) {
        this.gpu = gpu;
    }

    @Override
    public Array forward(Array y, Array x, Array skip) {
        CudaArray base = CudaArray.cast(y);
        CudaArray in = gpu.as(base.dtype(), x);
        CudaArray sum = gpu.take(in.dtype(), in.shape());
        gpu.kernel(CudaGate.SOURCE, "skip", in.dtype())
                .each(
                        sum.size(),
                        gpu.arguments()
                                .add(base, in, skip, sum)
                                .add(sum.size())
                                .add(width(in))
                                .add(in.shape().dim(-1)));
        gpu.release(in);
        return sum;
    }

    private static long width(CudaArray x) {
        return x.shape().dim(-2) * x.shape().dim(-1);
    }

    @Override
    public Gradients backward(Array outputGradient, Array x, Array skip) {
        CudaArray in = CudaArray.cast(x);
        CudaArray dx = gpu.take(in.dtype(), in.shape());
        ColumnSums sums = new ColumnSums(gpu.pool(), in.dtype(), in.size() / width(in), width(in));
        gpu.kernel(CudaGate.SOURCE, "skip_gradient", outputGradient.dtype(), in.dtype())
                .each(
                        ColumnSums.threads(sums.rows(), sums.width()),
                        gpu.arguments()
                                .add(outputGradient, in, skip, dx)
                                .add(sums.parts())
                                .add(sums.rows())
                                .add(sums.width())
                                .add(ColumnSums.STRETCH)
                                .add(in.shape().dim(-1)));
        return new Gradients(dx, byHead(gpu, sums, skip.shape().dim(0)));
    }

    /** The gradient of the skips: sums over the entries of a head. */
    static CudaArray byHead(Gpu gpu, ColumnSums skips, long heads) {
        CudaArray byEntry = gpu.reductions().summed(skips.parts(), Shape.of(heads, skips.width() / heads));
        CudaArray byHead = CudaArray.cast(gpu.reductions().sum(byEntry, 1));
        gpu.release(byEntry);
        return gpu.reshaped(byHead, Shape.of(heads));
    }
}
