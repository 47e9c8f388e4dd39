package org.mohawk4j.layer;

/**
 * A rotary position embedding.
 *
 * @param dim entries of each head that turn with position, even; 0: none does
 * @param theta base of the frequencies
 */
public record RotaryConfig(int dim, double theta, RopeScaling scaling) {
    /** Without scaling. */
    public RotaryConfig(int dim, double theta) {
        this(dim, theta, new RopeScaling.None());
    }

    /** The angle by which entries i and i + dim/2 turn from one position to the next. */
    double frequency(int i) {
        return scaling.apply(Math.pow(theta, -2.0 * i / dim));
    }
}
