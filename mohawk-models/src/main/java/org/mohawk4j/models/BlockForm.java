package org.mohawk4j.models;

import java.util.random.RandomGenerator;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.tensor.Engine;

/** What surrounds the mixer in each layer of a model. Kept as a constant, so that equal forms are the same object. */
@FunctionalInterface
public interface BlockForm {
    /** A block with fresh parameters. */
    Block create(Engine engine, CausalLmConfig config, MixerConfig mixer, RandomGenerator random);
}
