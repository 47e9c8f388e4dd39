package org.mohawk4j.backend.cuda;

import java.util.HashMap;
import java.util.Map;
import org.bytedeco.cuda.cublas.cublasLtContext;
import org.bytedeco.cuda.global.cublas;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.MatmulOps;
import org.mohawk4j.backend.MemoryOps;
import org.mohawk4j.tensor.DType;
import org.mohawk4j.tensor.Shape;

/**
 * Matrix products by cuBLASLt, accumulated in float32, or float64 for float64. In mixed precision float32 operands are
 * rounded to bfloat16 first; otherwise float32 stays float32, without TF32.
 */
final class CudaMatmul implements MatmulOps, AutoCloseable {
    private static final long WORKSPACE_BYTES = 64L << 20;
    private static final int MOST_ALIGNMENT = 256;

    private final CudaContext context;
    private final CudaPool pool;
    private final MemoryOps memory;
    private final boolean mixed;
    private final cublasLtContext handle = new cublasLtContext();
    private final CudaArray workspace;
    private final Map<GemmPlan.Key, GemmPlan> plans = new HashMap<>();
    private final Place left = new Place();
    private final Place right = new Place();
    private final Place into = new Place();
    private final Place scratch = new Place();
    private final Scales floats = new Scales(new FloatPointer(1f), new FloatPointer(0f));
    private final Scales doubles = new Scales(new DoublePointer(1.0), new DoublePointer(0.0));

    private record Scales(Pointer one, Pointer zero) {}

    CudaMatmul(CudaContext context, CudaPool pool, MemoryOps memory, boolean mixed) {
        this.context = context;
        this.pool = pool;
        this.memory = memory;
        this.mixed = mixed;
        Status.blas(cublas.cublasLtCreate(handle), () -> "starting cuBLASLt");
        workspace = pool.take(DType.INT32, Shape.of(WORKSPACE_BYTES / Integer.BYTES));
    }

    @Override
    public Array matmul(Array a, boolean transposeA, Array b, boolean transposeB) {
        if (!mixed || a.dtype() != DType.FLOAT32) {
            return product(CudaArray.cast(a), transposeA, CudaArray.cast(b), transposeB);
        }
        CudaArray x = CudaArray.cast(memory.cast(a, DType.BFLOAT16));
        CudaArray y = CudaArray.cast(memory.cast(b, DType.BFLOAT16));
        CudaArray result = product(x, transposeA, y, transposeB);
        pool.release(x);
        pool.release(y);
        return result;
    }

    private CudaArray product(CudaArray a, boolean transposeA, CudaArray b, boolean transposeB) {
        int rank = a.shape().rank();
        long m = a.shape().dim(transposeA ? -1 : -2);
        long k = a.shape().dim(transposeA ? -2 : -1);
        long n = b.shape().dim(transposeB ? -2 : -1);
        Shape shape = a.shape().with(rank - 2, m).with(rank - 1, n);
        DType type = a.dtype() == DType.BFLOAT16 ? DType.FLOAT32 : a.dtype();
        CudaArray c = pool.take(type, shape);
        GemmPlan.Key key = new GemmPlan.Key(
                a.dtype(), type, m, n, k, shape.size() / (m * n), transposeA, transposeB, alignment(a), alignment(b));
        GemmPlan plan = plans.computeIfAbsent(key, wanted -> new GemmPlan(handle, wanted, WORKSPACE_BYTES));
        Scales scales = type == DType.FLOAT64 ? doubles : floats;
        plan.run(
                handle,
                context,
                scales.one(),
                left.at(a),
                right.at(b),
                scales.zero(),
                into.at(c),
                scratch.at(workspace),
                WORKSPACE_BYTES);
        return c;
    }

    private static int alignment(CudaArray array) {
        return (int) Math.min(MOST_ALIGNMENT, Long.lowestOneBit(array.address() | MOST_ALIGNMENT));
    }

    @Override
    public void close() {
        plans.values().forEach(GemmPlan::close);
        Status.blas(cublas.cublasLtDestroy(handle), () -> "closing cuBLASLt");
        pool.release(workspace);
    }
}
