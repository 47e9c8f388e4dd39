package org.mohawk4j.mixer;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;

/** Remembers every input: the state of a mixer that has no recurrence. */
final class HistoryState implements MixerState {
    private final Scope scope;
    private @Nullable Tensor inputs;

    HistoryState(Engine engine) {
        scope = engine.detachedScope();
    }

    /** Adds inputs [B,T,D] and gives all of them. */
    Tensor append(Tensor u) {
        Tensor before = inputs;
        Tensor all = before == null ? u.affine(1, 0) : Tensor.concat(1, List.of(before, u));
        if (before != null) {
            scope.free(before);
        }
        inputs = scope.adopt(all.detach());
        return all;
    }

    @Override
    public long position() {
        return inputs == null ? 0 : inputs.dim(1);
    }

    @Override
    public void close() {
        scope.close();
    }
}
