package org.mohawk4j.backend.cuda;

import org.mohawk4j.backend.Array;
import org.mohawk4j.tensor.DType;
import org.mohawk4j.tensor.Shape;

/**
 * A contiguous row-major stretch of device memory.
 *
 * @param address of the first element
 */
record CudaArray(CudaPool.Block block, long address, DType dtype, Shape shape) implements Array {
    static CudaArray cast(Array array) {
        if (array instanceof CudaArray own) {
            return own;
        }
        throw new IllegalArgumentException(
                "an array of " + array.getClass().getSimpleName() + " was given to the cuda backend");
    }

    long size() {
        return shape.size();
    }
}
