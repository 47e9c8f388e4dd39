package org.mohawk4j.models;

import java.util.List;
import org.mohawk4j.mixer.MixerState;

/** What a model remembers of the positions it has seen, layer by layer. Closing it frees its memory. */
public final class InferenceCache implements AutoCloseable {
    private final List<MixerState> layers;

    InferenceCache(List<MixerState> layers) {
        this.layers = layers;
    }

    MixerState layer(int index) {
        return layers.get(index);
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
