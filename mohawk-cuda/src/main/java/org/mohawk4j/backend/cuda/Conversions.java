package org.mohawk4j.backend.cuda;

import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.MemoryOps;
import org.mohawk4j.tensor.DType;

/** Operands of kernels in the type that they compute in, and results in the type that is wanted. */
final class Conversions {
    private final CudaPool pool;
    private final MemoryOps memory;

    Conversions(CudaPool pool, MemoryOps memory) {
        this.pool = pool;
        this.memory = memory;
    }

    /** The numbers in a type: a view if they are in it already, else a copy. To be released either way. */
    CudaArray as(DType dtype, Array x) {
        if (x.dtype() == dtype) {
            return pool.view(CudaArray.cast(x), 0, x.shape());
        }
        return CudaArray.cast(memory.cast(x, dtype));
    }

    /** As {@link #as}; x is given back. */
    CudaArray into(DType dtype, CudaArray x) {
        CudaArray result = as(dtype, x);
        pool.release(x);
        return result;
    }
}
