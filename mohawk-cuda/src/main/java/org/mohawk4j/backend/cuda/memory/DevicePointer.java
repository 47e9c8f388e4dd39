package org.mohawk4j.backend.cuda.memory;

import org.bytedeco.javacpp.Pointer;

/** A pointer that can be told where it points, so that a call needs no new one. */
public final class DevicePointer extends Pointer {
    public DevicePointer at(long where) {
        address = where;
        return this;
    }

    public DevicePointer at(CudaArray array) {
        return at(array.address());
    }
}
