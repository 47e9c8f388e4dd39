package org.mohawk4j.backend.cuda;

import java.util.Optional;
import org.mohawk4j.backend.Array;
import org.mohawk4j.tensor.DType;
import org.mohawk4j.tensor.Shape;

/** Linear maps of so few rows that reading the weight is all their cost. */
final class CudaGemv {
    private static final String SOURCE = "gemv.cu";
    private static final long MOST_ROWS = 4;
    private static final int VECTOR_BYTES = 16;
    private static final long VECTOR = VECTOR_BYTES / 2;
    private static final int WARP = 32;

    private final CudaPool pool;
    private final CudaKernels kernels;

    CudaGemv(CudaPool pool, CudaKernels kernels) {
        this.pool = pool;
        this.kernels = kernels;
    }

    boolean supports(CudaArray x, CudaArray weight) {
        return x.dtype() == DType.BFLOAT16
                && x.shape().dim(0) <= MOST_ROWS
                && x.shape().dim(1) % VECTOR == 0
                && x.address() % VECTOR_BYTES == 0
                && weight.address() % VECTOR_BYTES == 0;
    }

    /** {@code activation(x weightᵀ + bias)} in a type, float32 or bfloat16. */
    CudaArray product(CudaArray x, CudaArray weight, Optional<Array> bias, int activation, DType result) {
        long rows = x.shape().dim(0);
        long outputs = weight.shape().dim(0);
        CudaArray y = pool.take(result, Shape.of(rows, outputs));
        int warps = CudaKernels.THREADS / WARP;
        kernels.get(SOURCE, rows == 1 ? "gemv_1" : "gemv_" + MOST_ROWS, result)
                .overlapping()
                .launch(
                        (outputs + warps - 1) / warps,
                        1,
                        CudaKernels.THREADS,
                        0,
                        kernels.arguments()
                                .add(x)
                                .add(weight)
                                .add(bias)
                                .add(y)
                                .add(rows)
                                .add(outputs)
                                .add(x.shape().dim(1))
                                .add(activation));
        return y;
    }
}
