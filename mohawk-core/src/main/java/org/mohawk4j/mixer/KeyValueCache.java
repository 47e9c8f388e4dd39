package org.mohawk4j.mixer;

import org.mohawk4j.backend.MemoryOps;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;

/** Keys and values of all positions seen, [B,capacity,G,P] each; the capacity doubles when it is full. */
final class KeyValueCache implements MixerState {
    private static final long FIRST_CAPACITY = 64;

    private final MemoryOps memory;
    private final Scope scope;
    private Tensor keys;
    private Tensor values;
    private long length;

    KeyValueCache(Engine engine, long batch, long heads, long headDim) {
        memory = engine.backend().memory();
        scope = engine.detachedScope();
        keys = scope.adopt(engine.zeros(batch, FIRST_CAPACITY, heads, headDim));
        values = scope.adopt(engine.zeros(batch, FIRST_CAPACITY, heads, headDim));
    }

    void append(Tensor newKeys, Tensor newValues) {
        long needed = length + newKeys.dim(1);
        keys = grown(keys, needed);
        values = grown(values, needed);
        memory.copyInto(keys.array(), 1, length, newKeys.array());
        memory.copyInto(values.array(), 1, length, newValues.array());
        length = needed;
    }

    /** [B,position,G,P] */
    Tensor keys() {
        return keys.narrow(1, 0, length);
    }

    /** [B,position,G,P] */
    Tensor values() {
        return values.narrow(1, 0, length);
    }

    @Override
    public long position() {
        return length;
    }

    @Override
    public void close() {
        scope.close();
    }

    private Tensor grown(Tensor old, long needed) {
        long capacity = old.dim(1);
        if (needed <= capacity) {
            return old;
        }
        Tensor larger = scope.adopt(old.pad(1, 0, Math.max(needed, 2 * capacity) - capacity));
        scope.free(old);
        return larger;
    }
}
