package org.mohawk4j.backend.nd4j;

import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cpu.HostArrays;
import org.mohawk4j.backend.nd4j.array.Nd4jArray;
import org.mohawk4j.backend.nd4j.array.Nd4jPool;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;

/** Memory of ND4J's arrays for the kernels of this project. */
final class Nd4jHostArrays implements HostArrays {
    private final Nd4jPool pool;

    Nd4jHostArrays(Nd4jPool pool) {
        this.pool = pool;
    }

    @Override
    public Array take(Shape shape) {
        return pool.take(DType.FLOAT32, shape);
    }

    @Override
    public Array takeIndices(Shape shape) {
        return pool.take(DType.INT32, shape);
    }

    @Override
    public void release(Array array) {
        pool.release(Nd4jArray.cast(array));
    }

    @Override
    public long address(Array array) {
        return Nd4jArray.cast(array).address();
    }
}
