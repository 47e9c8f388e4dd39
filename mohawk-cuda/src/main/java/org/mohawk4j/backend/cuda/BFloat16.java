package org.mohawk4j.backend.cuda;

import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.MemoryOps;
import org.mohawk4j.tensor.DType;

/** Operands of kernels that compute in bfloat16, and their results back. */
final class BFloat16 {
    private final MemoryOps memory;

    BFloat16(MemoryOps memory) {
        this.memory = memory;
    }

    /** A copy, rounded to nearest. */
    CudaArray from(Array x) {
        return CudaArray.cast(memory.cast(x, DType.BFLOAT16));
    }

    /** The numbers in float32. */
    CudaArray widened(CudaArray x) {
        return CudaArray.cast(memory.cast(x, DType.FLOAT32));
    }

    /** As {@link #widened}; x is given back. */
    CudaArray toFloat32(CudaArray x) {
        CudaArray wide = widened(x);
        memory.release(x);
        return wide;
    }
}
