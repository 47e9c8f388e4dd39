package org.mohawk4j.backend.cuda.op.mamba;

import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cuda.compile.CudaKernels;
import org.mohawk4j.backend.cuda.memory.CudaArray;
import org.mohawk4j.backend.cuda.memory.CudaPool;
import org.mohawk4j.backend.cuda.op.tensor.ColumnSums;
import org.mohawk4j.backend.cuda.op.tensor.Conversions;
import org.mohawk4j.backend.cuda.op.tensor.CudaReductions;
import org.mohawk4j.op.SkipFunction.FusedSkip;
import org.mohawk4j.tensor.types.Shape;

/** A state-space layer's way around its state, in one pass each way. */
public final class CudaSkip implements FusedSkip {
    private final CudaPool pool;
    private final CudaKernels kernels;
    private final CudaReductions reductions;
    private final Conversions conversions;

    public CudaSkip(CudaPool pool, CudaKernels kernels, CudaReductions reductions, Conversions conversions) {
        this.conversions = conversions;
        this.pool = pool;
        this.kernels = kernels;
        this.reductions = reductions;
    }

    @Override
    public Array forward(Array y, Array x, Array skip) {
        CudaArray base = CudaArray.cast(y);
        CudaArray in = conversions.as(base.dtype(), x);
        CudaArray sum = pool.take(in.dtype(), in.shape());
        kernels.get(CudaGate.SOURCE, "skip", in.dtype())
                .each(
                        sum.size(),
                        kernels.arguments()
                                .add(base)
                                .add(in)
                                .add(CudaArray.cast(skip))
                                .add(sum)
                                .add(sum.size())
                                .add(width(in))
                                .add(in.shape().dim(-1)));
        pool.release(in);
        return sum;
    }

    private static long width(CudaArray x) {
        return x.shape().dim(-2) * x.shape().dim(-1);
    }

    @Override
    public Gradients backward(Array outputGradient, Array x, Array skip) {
        CudaArray in = CudaArray.cast(x);
        CudaArray dx = pool.take(in.dtype(), in.shape());
        ColumnSums sums = new ColumnSums(pool, in.dtype(), in.size() / width(in), width(in));
        kernels.get(CudaGate.SOURCE, "skip_gradient", outputGradient.dtype(), in.dtype())
                .each(
                        ColumnSums.threads(sums.rows(), sums.width()),
                        kernels.arguments()
                                .add(CudaArray.cast(outputGradient))
                                .add(in)
                                .add(CudaArray.cast(skip))
                                .add(dx)
                                .add(sums.parts())
                                .add(sums.rows())
                                .add(sums.width())
                                .add(ColumnSums.STRETCH)
                                .add(in.shape().dim(-1)));
        CudaArray byEntry = reductions.summed(
                sums.parts(), Shape.of(in.shape().dim(-2), in.shape().dim(-1)));
        CudaArray byHead = CudaArray.cast(reductions.sum(byEntry, 1));
        pool.release(byEntry);
        CudaArray ofSkip = pool.view(byHead, 0, skip.shape());
        pool.release(byHead);
        return new Gradients(dx, ofSkip);
    }
}
