package org.mohawk4j.models.phimamba;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Optional;
import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.mixer.MixerConfig;

/**
 * How a kind of mixer stands in a student's {@code config.json}. Implementations are found with
 * {@link java.util.ServiceLoader}; a user's own mixer is saved and loaded by adding one.
 */
public interface MixerFormat {
    /** The value of {@code CoreType}. */
    String coreType();

    /**
     * The mixer that a {@code core_input} describes.
     *
     * @param width D of the model
     */
    MixerConfig read(ConfigNode coreInput, long width);

    /** The inverse of {@link #read}; empty if the mixer is of another kind. */
    Optional<ObjectNode> write(MixerConfig mixer);

    /** What stands between {@code mixer.} and the parameter's own name in the file. */
    default String namePrefix() {
        return "";
    }
}
