package org.mohawk4j.tensor;

import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.MemoryOps;

/** A backend array with a reference count: one for the scope that owns it, one for each use that a tape has saved. */
final class Handle {
    private final Array array;
    private int references = 1;
    private Scope owner;

    Handle(Array array, Scope owner) {
        this.array = array;
        this.owner = owner;
    }

    Array array() {
        if (references == 0) {
            throw new IllegalStateException(
                    "tensor " + array.dtype() + " " + array.shape() + " is used after its scope was closed");
        }
        return array;
    }

    /** For shape and type, which outlive the memory. */
    Array description() {
        return array;
    }

    Scope owner() {
        return owner;
    }

    void moveTo(Scope scope) {
        owner = scope;
    }

    void retain() {
        if (references == 0) {
            throw new IllegalStateException("tensor " + array.shape() + " is already freed");
        }
        references++;
    }

    void release(MemoryOps memory) {
        if (--references == 0) {
            memory.release(array);
        }
    }
}
