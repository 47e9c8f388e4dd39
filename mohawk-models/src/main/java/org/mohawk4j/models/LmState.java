package org.mohawk4j.models;

import java.util.List;
import org.mohawk4j.mixer.MixerState;

/** What a model remembers of the positions it has seen, layer by layer. Closing it frees its memory. */
public final class LmState implements AutoCloseable {
    private final List<MixerState> layers;

    LmState(List<MixerState> layers) {
        this.layers = layers;
    }

    MixerState layer(int index) {
        return layers.get(index);
    }

    /** Positions seen so far. */
    public long position() {
        return layers.get(0).position();
    }

    @Override
    public void close() {
        layers.forEach(MixerState::close);
    }
}
