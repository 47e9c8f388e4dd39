package org.mohawk4j.backend.cpu;

import org.mohawk4j.backend.Array;
import org.mohawk4j.tensor.types.Shape;

/** Arrays of a backend whose memory this process can address: contiguous, row-major. */
public interface HostArrays {
    /** A float32 array with whatever was there before. */
    Array take(Shape shape);

    /** An int32 array with whatever was there before. */
    Array takeIndices(Shape shape);

    void release(Array array);

    /** Of the first element. */
    long address(Array array);
}
