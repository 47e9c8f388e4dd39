package org.mohawk4j.models;

import org.mohawk4j.mixer.MixerConfig;

/**
 * A layer whose mixer is replaced in a student.
 *
 * @param model that the layer is of
 * @param index from 0
 */
public record TeacherLayer(CausalLmConfig model, int index) {
    /** The mixer that is replaced. */
    public MixerConfig mixer() {
        return model.mixers().get(index);
    }

    /** D. */
    public long width() {
        return model.width();
    }
}
