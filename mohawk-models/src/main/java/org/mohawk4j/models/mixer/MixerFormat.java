package org.mohawk4j.models.mixer;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Optional;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.models.TeacherLayer;

/**
 * A kind of mixer that a configuration can name and a student's {@code config.json} can hold. Implementations are found
 * with {@link java.util.ServiceLoader}; a user's own mixer is trained, saved and loaded by adding one.
 */
public interface MixerFormat {
    /** What a configuration calls it, in kebab case. */
    String name();

    /** What it is, in one line. */
    String description();

    /** The options that a configuration may set, in the order in which they are listed. */
    List<MixerOption> options();

    /**
     * The mixer that replaces a teacher's.
     *
     * @param options of {@link #options()}, checked
     * @throws InvalidInputException if the options do not fit the layer; see {@link MixerOptions#wrong}
     */
    MixerConfig configure(TeacherLayer replaced, MixerOptions options);

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
