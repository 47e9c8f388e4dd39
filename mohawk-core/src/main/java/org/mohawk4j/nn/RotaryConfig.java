package org.mohawk4j.nn;

import org.mohawk4j.Arguments;

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

    /** @throws IllegalArgumentException for a width that no rotation has, or a base of which no frequency comes */
    public RotaryConfig {
        Arguments.require(dim >= 0 && dim % 2 == 0, "rotary embedding", "an even number of entries that turn", dim);
        Arguments.positive("rotary embedding: base", theta);
        if (scaling instanceof RopeScaling.LongRope longRope) {
            Arguments.require(
                    longRope.shortFactors().size() == dim / 2
                            && longRope.longFactors().size() == dim / 2,
                    "rotary embedding",
                    "a short and a long factor for each of " + dim / 2 + " pairs",
                    longRope.shortFactors().size() + " and "
                            + longRope.longFactors().size());
        }
    }

    /** @throws IllegalArgumentException if a head of {@code headDim} entries has fewer than turn */
    public void requireFits(long headDim) {
        Arguments.require(
                dim <= headDim,
                "rotary embedding",
                "an even number of entries that turn, from 0 to the head width " + headDim,
                dim);
    }

    /** The angle by which entries i and i + dim/2 turn from one position to the next. */
    double frequency(int i) {
        return scaling.apply(Math.pow(theta, -2.0 * i / dim), i, this);
    }

    /** What holds for all positions of a sequence that is so long. */
    RotaryConfig forLength(long positions) {
        RopeScaling own = scaling.forLength(positions);
        return own == scaling ? this : new RotaryConfig(dim, theta, own);
    }
}
