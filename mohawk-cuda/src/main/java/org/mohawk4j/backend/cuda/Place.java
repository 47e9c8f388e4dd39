package org.mohawk4j.backend.cuda;

import org.bytedeco.javacpp.Pointer;

/** A pointer that can be told where it points, so that a call needs no new one. */
final class Place extends Pointer {
    Place at(long where) {
        address = where;
        return this;
    }

    Place at(CudaArray array) {
        return at(array.address());
    }
}
