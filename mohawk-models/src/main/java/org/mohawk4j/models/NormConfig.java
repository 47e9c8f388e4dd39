package org.mohawk4j.models;

import org.mohawk4j.InvalidInputException;
import org.mohawk4j.nn.LayerNorm;
import org.mohawk4j.nn.Norm;
import org.mohawk4j.nn.RmsNorm;
import org.mohawk4j.tensor.Engine;

/**
 * The normalization that a model uses throughout.
 *
 * @param epsilon added to the variance, or to the mean of squares
 */
public record NormConfig(Kind kind, double epsilon) {
    public NormConfig {
        if (!(epsilon > 0) || Double.isInfinite(epsilon)) {
            throw new InvalidInputException("norm: epsilon: expected a number above 0, got " + epsilon);
        }
    }

    /** Which statistics are taken, and what scales the result. */
    public enum Kind {
        /** Mean and variance, scale and shift. */
        LAYER,
        /** Mean of squares, scale. */
        RMS,
        /** Mean of squares, scale 1 + weight. */
        RMS_UNIT_OFFSET
    }

    /** @param width D */
    public Norm create(Engine engine, long width) {
        return switch (kind) {
            case LAYER -> new LayerNorm(engine, width, epsilon);
            case RMS -> new RmsNorm(engine, width, epsilon, false);
            case RMS_UNIT_OFFSET -> new RmsNorm(engine, width, epsilon, true);
        };
    }
}
