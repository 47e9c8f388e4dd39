package org.mohawk4j.safetensors;

import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.HostSource;
import org.mohawk4j.tensor.types.Shape;

/** A tensor that is going to be written. */
public record TensorSpec(String name, DType dtype, Shape shape) {
    /** The specification that {@code tensor} fulfills. */
    public static TensorSpec of(String name, HostSource tensor) {
        return new TensorSpec(name, tensor.dtype(), tensor.shape());
    }

    /** Bytes of the tensor's elements. */
    public long byteLength() {
        return Math.multiplyExact(shape.size(), dtype.bytes());
    }
}
