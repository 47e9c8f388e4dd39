package org.mohawk4j.backend.cuda.op.tensor;

import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.MemoryOps;
import org.mohawk4j.backend.cuda.compile.CudaKernels;
import org.mohawk4j.backend.cuda.memory.CudaArray;
import org.mohawk4j.backend.cuda.memory.CudaPool;
import org.mohawk4j.tensor.types.DType;

/** Operands of kernels in the type that they compute in, and results in the type that is wanted. */
public final class Conversions {
    private final CudaPool pool;
    private final CudaKernels kernels;
    private final MemoryOps memory;

    public Conversions(CudaPool pool, CudaKernels kernels, MemoryOps memory) {
        this.pool = pool;
        this.kernels = kernels;
        this.memory = memory;
    }

    /** The numbers in a type: a view if they are in it already, else a copy. To be released either way. */
    public CudaArray as(DType dtype, Array x) {
        if (x.dtype() == dtype) {
            return pool.view(CudaArray.cast(x), 0, x.shape());
        }
        return CudaArray.cast(memory.cast(x, dtype));
    }

    /**
     * As {@link #as} for a parameter. While one is trained, float32 becomes bfloat16 by deterministic dithered rounding:
     * each index has a threshold of its own between two neighbours, the same every time: a step that is shorter than their distance then moves as many
     * of the rounded numbers as its length says. Rounding to nearest would move all of them or none where they start out
     * as bfloat16, which is what checkpoints hold. What is only used is rounded to nearest, as what {@link #as} gives and
     * what is kept in bfloat16 is.
     *
     * @param trained whether its gradient is wanted
     */
    public CudaArray parameter(DType dtype, Array x, boolean trained) {
        if (!trained || x.dtype() != DType.FLOAT32 || dtype != DType.BFLOAT16) {
            return as(dtype, x);
        }
        CudaArray y = pool.take(dtype, x.shape());
        kernels.source(CudaMemory.SOURCE)
                .kernel("round_dithered")
                .each(
                        CudaKernels.fours(y.size()),
                        kernels.arguments().add(CudaArray.cast(x)).add(y).add(y.size()));
        return y;
    }

    /** As {@link #as}; x is given back. */
    public CudaArray into(DType dtype, CudaArray x) {
        CudaArray result = as(dtype, x);
        pool.release(x);
        return result;
    }
}
