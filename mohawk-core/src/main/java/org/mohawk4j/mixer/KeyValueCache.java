package org.mohawk4j.mixer;

import org.mohawk4j.Arguments;
import org.mohawk4j.backend.MemoryOps;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.Shape;

/**
 * The state of an attention: keys and values of all positions seen, or of those that later queries may see, kept in the
 * type of parameters. Its memory doubles when it is full, as long as that is less than twice what must be kept.
 */
public final class KeyValueCache implements MixerState {
    private static final long FIRST_CAPACITY = 64;

    private final Engine engine;
    private final MemoryOps memory;
    private final Scope scope;
    private final Shape each;
    private Tensor keys;
    private Tensor values;

    /** Positions before those of the new queries that they may see. */
    private final long before;

    /** Positions in memory. */
    private long length;

    /** Positions that have left it. */
    private long dropped;

    /** Positions of the last {@link #append}. */
    private long added;

    /**
     * One that has seen nothing, and keeps everything.
     *
     * @param batch B
     * @param heads G, of keys and values
     * @param headDim P
     */
    public KeyValueCache(Engine engine, long batch, long heads, long headDim) {
        this(engine, batch, heads, headDim, 0);
    }

    /** @param window the most keys that a query sees, its own included; 0: all */
    KeyValueCache(Engine engine, long batch, long heads, long headDim, long window) {
        Arguments.atLeast(1, "key/value cache: batch", batch);
        Arguments.atLeast(1, "key/value cache: heads", heads);
        Arguments.atLeast(1, "key/value cache: head width", headDim);
        each = Shape.of(batch, heads, headDim);
        before = window == 0 ? Long.MAX_VALUE : window - 1;
        this.engine = engine;
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
        added = newKeys.dim(1);
        makeRoom();
        memory.copyInto(keys.array(), 1, length, newKeys.array());
        memory.copyInto(values.array(), 1, length, newValues.array());
        length += added;
    }

    /** [B,S,G,P], in the current scope: of the last positions that were added, and of those before that they see. */
    public Tensor keys() {
        return seen(keys);
    }

    /** [B,S,G,P], as {@link #keys}. */
    public Tensor values() {
        return seen(values);
    }

    private Tensor seen(Tensor all) {
        long count = Math.min(length, Math.min(before, length) + added);
        return all.narrow(1, length - count, count);
    }

    @Override
    public long position() {
        return dropped + length;
    }

    @Override
    public void close() {
        scope.close();
    }

    /** For the positions that are added: what no query will see leaves, and memory grows that is less than twice full. */
    private void makeRoom() {
        long capacity = keys.dim(1);
        if (length + added <= capacity) {
            return;
        }
        long kept = Math.min(before, length);
        long needed = kept + added;
        long wanted = 2 * needed > capacity ? Math.max(needed, 2 * capacity) : capacity;
        keys = moved(keys, kept, wanted);
        values = moved(values, kept, wanted);
        dropped += length - kept;
        length = kept;
    }

    private Tensor moved(Tensor old, long kept, long capacity) {
        Tensor larger = kept == 0
                ? engine.zeros(old.shape().with(1, capacity).toArray())
                : engine.scoped(() -> old.narrow(1, length - kept, kept).pad(1, 0, capacity - kept));
        scope.free(old);
        return scope.adopt(larger);
    }
}
