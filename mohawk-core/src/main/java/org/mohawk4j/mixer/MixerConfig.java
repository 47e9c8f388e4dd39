package org.mohawk4j.mixer;

import java.util.random.RandomGenerator;
import org.mohawk4j.tensor.Engine;

/** The dimensions of a mixer: all that is needed to make one. Usually a record beside its {@link MatrixMixer}. */
public interface MixerConfig {
    /** D. */
    long width();

    /** H. */
    int heads();

    /** H·P, the width of all heads' values together. */
    default long innerWidth() {
        return width();
    }

    /** A mixer of these dimensions with fresh parameters. */
    MatrixMixer create(Engine engine, RandomGenerator random);
}
