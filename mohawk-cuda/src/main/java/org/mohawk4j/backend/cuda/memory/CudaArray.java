package org.mohawk4j.backend.cuda.memory;

import org.mohawk4j.backend.Array;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;

/**
 * A contiguous row-major stretch of device memory.
 *
 * @param address of the first element
 */
public record CudaArray(CudaPool.Block block, long address, DType dtype, Shape shape) implements Array {
    public static CudaArray cast(Array array) {
        if (array instanceof CudaArray own) {
            return own;
        }
        throw new IllegalArgumentException(
                "an array of " + array.getClass().getSimpleName() + " was given to the cuda backend");
    }

    public long size() {
        return shape.size();
    }
}
