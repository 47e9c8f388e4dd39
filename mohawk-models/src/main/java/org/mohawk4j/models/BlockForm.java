package org.mohawk4j.models;

import java.util.random.RandomGenerator;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.tensor.Engine;

/**
 * The structure of a block around its mixer: parallel or sequential, and where its norms are. Each form is a constant,
 * so equal forms are the same object.
 */
@FunctionalInterface
public interface BlockForm {
    /** A block with fresh parameters. */
    Block create(Engine engine, CausalLmConfig config, MixerConfig mixer, RandomGenerator random);
}
