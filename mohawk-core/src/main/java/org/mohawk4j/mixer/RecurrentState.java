package org.mohawk4j.mixer;

import java.util.Arrays;
import java.util.List;
import org.mohawk4j.backend.MemoryOps;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;

/** Tensors of constant size, updated in place so that their addresses never change. */
final class RecurrentState implements MixerState {
    private final MemoryOps memory;
    private final Scope scope;
    private final List<Tensor> parts;
    private long position;

    /** @param parts what they are before the first position */
    RecurrentState(Engine engine, Tensor... parts) {
        this.memory = engine.backend().memory();
        this.scope = engine.detachedScope();
        this.parts = Arrays.stream(parts).map(scope::adopt).toList();
    }

    Tensor part(int index) {
        return parts.get(index);
    }

    /** @param next the parts after these positions */
    void advance(long positions, Tensor... next) {
        for (int i = 0; i < next.length; i++) {
            memory.copyInto(parts.get(i).array(), next[i].array());
        }
        position += positions;
    }

    @Override
    public boolean isFixed() {
        return true;
    }

    @Override
    public long position() {
        return position;
    }

    @Override
    public void close() {
        scope.close();
    }
}
