package org.mohawk4j.models;

import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.mixer.MixerState;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;

/**
 * The states of all mixers of a model after the positions it has processed. Closing it frees its memory.
 *
 * <p>Where a rotary scaling depends on the sequence's length ({@link org.mohawk4j.nn.RopeScaling.LongRope}), a sequence that
 * grows beyond the original context is computed again from its first position, once: everything before was turned by other
 * frequencies.
 */
public final class InferenceCache implements AutoCloseable {
    private final Supplier<List<MixerState>> fresh;
    private final long sameRotation;
    private final Scope scope;
    private List<MixerState> layers;
    private @Nullable Tensor seen;
    private long position;

    /**
     * @param fresh states that have seen nothing
     * @param sameRotation the longest sequence whose positions are turned as those of shorter ones
     */
    InferenceCache(Engine engine, Supplier<List<MixerState>> fresh, long sameRotation) {
        this.fresh = fresh;
        this.sameRotation = sameRotation;
        this.scope = engine.detachedScope();
        this.layers = fresh.get();
    }

    MixerState layer(int index) {
        return layers.get(index);
    }

    /**
     * Takes note of ids [B,T] that follow.
     *
     * @return what the states are to be given: these ids, or all that there were
     */
    Tensor append(Tensor ids) {
        if (sameRotation == Long.MAX_VALUE || position > sameRotation) {
            return ids;
        }
        Tensor before = seen;
        position += ids.dim(1);
        Tensor all = Tensor.concat(1, before == null ? List.of(ids) : List.of(before, ids));
        if (before != null) {
            scope.free(before);
        }
        if (position <= sameRotation) {
            seen = scope.adopt(all);
            return ids;
        }
        seen = null;
        layers.forEach(MixerState::close);
        layers = fresh.get();
        return all;
    }

    /** Whether each further position is the same work on the same memory: see {@link MixerState#isFixed}. */
    public boolean isFixed() {
        return layers.stream().allMatch(MixerState::isFixed);
    }

    @Override
    public void close() {
        scope.close();
        layers.forEach(MixerState::close);
    }
}
