package org.mohawk4j.mixer;

import org.mohawk4j.backend.MemoryOps;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;

/** The convolution's last inputs and the state-space state, updated in place so that their addresses never change. */
final class RecurrentState implements MixerState {
    private final MemoryOps memory;
    private final Scope scope;
    private final Tensor history;
    private final Tensor state;
    private long position;

    /**
     * @param history [B,K-1,C]
     * @param state [B,H,P,N]
     */
    RecurrentState(Engine engine, Tensor history, Tensor state) {
        this.memory = engine.backend().memory();
        this.scope = engine.detachedScope();
        this.history = scope.adopt(history);
        this.state = scope.adopt(state);
    }

    Tensor history() {
        return history;
    }

    Tensor state() {
        return state;
    }

    void advance(Tensor nextHistory, Tensor nextState, long positions) {
        memory.copyInto(history.array(), nextHistory.array());
        memory.copyInto(state.array(), nextState.array());
        position += positions;
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
