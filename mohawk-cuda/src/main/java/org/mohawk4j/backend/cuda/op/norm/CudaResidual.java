package org.mohawk4j.backend.cuda.op.norm;

import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cuda.compile.CudaKernels;
import org.mohawk4j.backend.cuda.compile.ElementType;
import org.mohawk4j.backend.cuda.memory.CudaArray;
import org.mohawk4j.backend.cuda.op.Gpu;
import org.mohawk4j.backend.cuda.op.tensor.CudaMemory;
import org.mohawk4j.op.ResidualFunction.FusedResidual;
import org.mohawk4j.tensor.types.DType;

/** Three arrays added in one pass. */
public final class CudaResidual implements FusedResidual {

    private final Gpu gpu;

    public CudaResidual(Gpu gpu) {
        this.gpu = gpu;
    }

    @Override
    public Array sum(Array h, Array a, Array b) {
        DType branches = ElementType.wider(a.dtype(), b.dtype());
        DType dtype = ElementType.wider(h.dtype(), branches);
        DType added = ElementType.pair(dtype, branches) ? branches : dtype;
        CudaArray stream = gpu.as(dtype, h);
        CudaArray first = gpu.as(added, a);
        CudaArray second = gpu.as(added, b);
        CudaArray y = gpu.take(dtype, h.shape());
        gpu.kernel(CudaMemory.SOURCE, "residual", dtype, added)
                .overlapping()
                .each(
                        CudaKernels.fours(y.size()),
                        gpu.arguments().add(stream, first, second, y).add(y.size()));
        gpu.release(stream);
        gpu.release(first);
        gpu.release(second);
        return y;
    }
}
