package org.mohawk4j.backend.nd4j;

import java.util.Optional;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.MatmulOps;
import org.mohawk4j.backend.cpu.op.CpuTensors;
import org.mohawk4j.backend.nd4j.array.Nd4jArray;
import org.mohawk4j.backend.nd4j.array.Nd4jPool;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;
import org.nd4j.linalg.factory.Nd4j;

/** Matrix products of the ND4J backend, which are BLAS calls. */
final class Nd4jMatmul implements MatmulOps {
    private final Nd4jPool pool;

    /** Where arrays are in the memory of this process. */
    private final Optional<CpuTensors> cpu;

    Nd4jMatmul(Nd4jPool pool, Optional<CpuTensors> cpu) {
        this.pool = pool;
        this.cpu = cpu;
    }

    @Override
    public Array matmul(Array a, boolean transposeA, Array b, boolean transposeB) {
        Shape left = a.shape();
        Shape shape =
                left.with(-2, left.dim(transposeA ? -1 : -2)).with(-1, b.shape().dim(transposeB ? -2 : -1));
        Nd4jArray y = pool.take(a.dtype(), shape);
        if (cpu.isPresent() && a.dtype() == DType.FLOAT32 && b.dtype() == DType.FLOAT32) {
            cpu.get().matmul(a, transposeA, b, transposeB, y);
            return y;
        }
        Nd4j.matmul(Nd4jArray.values(a), Nd4jArray.values(b), y.values(), transposeA, transposeB, false);
        return y;
    }
}
