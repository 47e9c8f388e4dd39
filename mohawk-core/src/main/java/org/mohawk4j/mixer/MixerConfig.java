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

    /**
     * Whether the mixer has a mixing matrix. One without is trained by stages 2 and 3 alone: it overrides
     * {@link MatrixMixer#forward(org.mohawk4j.tensor.Tensor)}, and its matrix is not used.
     */
    default boolean hasMatrix() {
        return true;
    }

    /** A mixer of these dimensions with fresh parameters. */
    MatrixMixer create(Engine engine, RandomGenerator random);
}
