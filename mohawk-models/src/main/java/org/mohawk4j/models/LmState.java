package org.mohawk4j.models;

import java.util.List;
import org.mohawk4j.mixer.MixerState;

/** What a model remembers of the positions it has seen, layer by layer. Closing it frees its memory. */
public final class LmState implements AutoCloseable {
    private final List<MixerState> layers;
    private long position;

    LmState(List<MixerState> layers) {
        this.layers = layers;
    }

    MixerState layer(int index) {
        return layers.get(index);
    }

    /** Positions seen so far. */
    public long position() {
        return position;
    }

    /** Notes that further positions have been seen, as {@link CausalLm} does, and whoever replays what it did. */
    public void advance(long positions) {
        position += positions;
    }

    /** Whether each further position is the same work on the same memory: see {@link MixerState#isFixed}. */
    public boolean isFixed() {
        return layers.stream().allMatch(MixerState::isFixed);
    }

    @Override
    public void close() {
        layers.forEach(MixerState::close);
    }
}
