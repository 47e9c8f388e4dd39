package org.mohawk4j.backend.cuda.op.norm;

import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cuda.compile.CudaKernels;
import org.mohawk4j.backend.cuda.compile.ElementType;
import org.mohawk4j.backend.cuda.memory.CudaArray;
import org.mohawk4j.backend.cuda.memory.CudaPool;
import org.mohawk4j.backend.cuda.op.tensor.Conversions;
import org.mohawk4j.backend.cuda.op.tensor.CudaMemory;
import org.mohawk4j.op.ResidualFunction.FusedResidual;
import org.mohawk4j.tensor.types.DType;

/** Three arrays added in one pass. */
public final class CudaResidual implements FusedResidual {
    private final CudaPool pool;
    private final CudaKernels kernels;
    private final Conversions conversions;

    public CudaResidual(CudaPool pool, CudaKernels kernels, Conversions conversions) {
        this.pool = pool;
        this.kernels = kernels;
        this.conversions = conversions;
    }

    @Override
    public Array sum(Array h, Array a, Array b) {
        DType branches = ElementType.wider(a.dtype(), b.dtype());
        DType dtype = ElementType.wider(h.dtype(), branches);
        DType added = ElementType.pair(dtype, branches) ? branches : dtype;
        CudaArray stream = conversions.as(dtype, h);
        CudaArray first = conversions.as(added, a);
        CudaArray second = conversions.as(added, b);
        CudaArray y = pool.take(dtype, h.shape());
        kernels.get(CudaMemory.SOURCE, "residual", dtype, added)
                .overlapping()
                .each(
                        CudaKernels.fours(y.size()),
                        kernels.arguments()
                                .add(stream)
                                .add(first)
                                .add(second)
                                .add(y)
                                .add(y.size()));
        pool.release(stream);
        pool.release(first);
        pool.release(second);
        return y;
    }
}
