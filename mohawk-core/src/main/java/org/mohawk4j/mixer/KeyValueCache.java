package org.mohawk4j.mixer;

import org.mohawk4j.Arguments;
import org.mohawk4j.backend.MemoryOps;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.Shape;

/**
 * The state of an attention: keys and values of all positions seen, kept in the type of parameters. Its memory doubles
 * when it is full.
 */
public final class KeyValueCache implements MixerState {
    private static final long FIRST_CAPACITY = 64;

    private final MemoryOps memory;
    private final Scope scope;
    private final Shape each;
    private Tensor keys;
    private Tensor values;
    private long length;

    /**
     * One that has seen nothing.
     *
     * @param batch B
     * @param heads G, of keys and values
     * @param headDim P
     */
    public KeyValueCache(Engine engine, long batch, long heads, long headDim) {
        Arguments.atLeast(1, "key/value cache: batch", batch);
        Arguments.atLeast(1, "key/value cache: heads", heads);
        Arguments.atLeast(1, "key/value cache: head width", headDim);
        each = Shape.of(batch, heads, headDim);
        memory = engine.backend().memory();
        scope = engine.detachedScope();
        keys = scope.adopt(engine.zeros(batch, FIRST_CAPACITY, heads, headDim));
        values = scope.adopt(engine.zeros(batch, FIRST_CAPACITY, heads, headDim));
    }

    /**
     * Adds the positions that follow, after which {@link #keys} and {@link #values} include them.
     *
     * @param newKeys [B,T,G,P]
     * @param newValues [B,T,G,P]
     * @throws IllegalArgumentException for other shapes
     */
    public void append(Tensor newKeys, Tensor newValues) {
        Arguments.require(
                newKeys.shape().equals(newValues.shape())
                        && newKeys.shape().rank() == 4
                        && newKeys.shape().without(1).equals(each),
                "key/value cache of [B,G,P] " + each,
                "keys and values [B,T,G,P]",
                newKeys.shape() + " and " + newValues.shape());
        long needed = length + newKeys.dim(1);
        keys = grown(keys, needed);
        values = grown(values, needed);
        memory.copyInto(keys.array(), 1, length, newKeys.array());
        memory.copyInto(values.array(), 1, length, newValues.array());
        length = needed;
    }

    /** [B,{@link #position},G,P], in the current scope. */
    public Tensor keys() {
        return keys.narrow(1, 0, length);
    }

    /** [B,{@link #position},G,P], in the current scope. */
    public Tensor values() {
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
