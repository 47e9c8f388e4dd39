package org.mohawk4j.tensor;

import org.jspecify.annotations.Nullable;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.MemoryOps;
import org.mohawk4j.tensor.types.IndexRange;

/** A backend array with a reference count: one for the scope that owns it, one for each use that a tape has saved. */
final class Handle {
    private final Array array;
    private int references = 1;
    private final @Nullable IndexRange indices;
    private Scope owner;

    Handle(Array array, Scope owner, @Nullable IndexRange indices) {
        this.array = array;
        this.owner = owner;
        this.indices = indices;
    }

    /** The least and the largest of the numbers, where they are indices that came from the host. */
    @Nullable IndexRange indices() {
        return indices;
    }

    /** Whether the memory is still there. */
    boolean isLive() {
        return references > 0;
    }

    /** Whether more than one scope or tape keeps this alive. */
    boolean isShared() {
        return references > 1;
    }

    Array array() {
        if (!isLive()) {
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
        if (!isLive()) {
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
