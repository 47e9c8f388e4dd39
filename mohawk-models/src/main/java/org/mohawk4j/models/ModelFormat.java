package org.mohawk4j.models;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Map;
import java.util.Optional;
import org.mohawk4j.io.ConfigNode;

/**
 * A form of model folder: how its {@code config.json} describes a model and what its tensors are called. Implementations
 * are found with {@link java.util.ServiceLoader}; a user adds a teacher by adding one.
 */
public interface ModelFormat {
    /** The name it is reported by. */
    String name();

    /** Whether a {@code config.json} is of this form. */
    boolean accepts(ConfigNode config);

    /** Whether of a model that sees as well this form reads the language model, and passes over the rest. */
    default boolean ignoresVision() {
        return false;
    }

    /**
     * The dimensions that a {@code config.json} describes.
     *
     * @throws org.mohawk4j.InvalidInputException if it describes something this version does not compute
     */
    CausalLmConfig read(ConfigNode config);

    /** The inverse of {@link #read}; empty if this form has no way to describe such a model. */
    Optional<ObjectNode> write(CausalLmConfig config);

    /** The name in the file of a parameter of the model. */
    String fileName(CausalLmConfig config, String parameter);

    /**
     * Whether a tensor of the file has the rows of all parameters with its {@link #fileName}, in their order in the model.
     * Otherwise two parameters of one name are an error.
     */
    default boolean isJoined(String fileName) {
        return false;
    }

    /** What {@link #fileName} calls a tensor that a file may call otherwise. */
    default String canonicalName(String fileName) {
        return fileName;
    }

    /** Whether a tensor of the file, by its canonical name, may be passed over, since it follows from the configuration. */
    default boolean isRedundant(String fileName) {
        return false;
    }

    /** The canonical name of the tensor that a redundant one has to equal; empty if nobody needs its numbers. */
    default Optional<String> original(String redundant) {
        return Optional.empty();
    }

    /** Files that stand beside the weights of any model, by name. */
    default Map<String, byte[]> companions() {
        return Map.of();
    }
}
