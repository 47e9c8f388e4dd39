package org.mohawk4j.models.export;

import com.fasterxml.jackson.databind.node.ObjectNode;
import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.nn.RopeScaling;
import org.mohawk4j.nn.RotaryConfig;

/** How a rotary embedding stands in a configuration of ours. */
final class RotaryJson {
    private static final String DIM = "dim";
    private static final String THETA = "theta";
    private static final String SCALING = "scaling";
    private static final String TYPE = "type";
    private static final String NONE = "none";
    private static final String LINEAR = "linear";
    private static final String LLAMA3 = "llama3";
    private static final String FACTOR = "factor";
    private static final String LOW = "low_frequency_factor";
    private static final String HIGH = "high_frequency_factor";
    private static final String ORIGINAL = "original_positions";

    private RotaryJson() {}

    static RotaryConfig read(ConfigNode json, int headDim) {
        int dim = json.between(DIM, 0, headDim);
        if (dim % 2 != 0) {
            throw json.wrong(DIM, "an even number", dim);
        }
        return new RotaryConfig(dim, positive(json, THETA), scaling(json.object(SCALING)));
    }

    private static RopeScaling scaling(ConfigNode json) {
        return switch (json.text(TYPE)) {
            case NONE -> new RopeScaling.None();
            case LINEAR -> new RopeScaling.Linear(positive(json, FACTOR));
            case LLAMA3 -> llama3(json);
            default -> throw json.wrong(TYPE, "one of " + String.join(", ", NONE, LINEAR, LLAMA3), json.text(TYPE));
        };
    }

    private static RopeScaling llama3(ConfigNode json) {
        double low = positive(json, LOW);
        double high = positive(json, HIGH);
        if (high <= low) {
            throw json.wrong(HIGH, "a number above " + LOW + " " + low, high);
        }
        return new RopeScaling.Llama3(positive(json, FACTOR), low, high, json.positive(ORIGINAL));
    }

    private static double positive(ConfigNode json, String key) {
        double value = json.number(key);
        if (value <= 0) {
            throw json.wrong(key, "a number above 0", value);
        }
        return value;
    }

    /** The inverse of {@link #read}. */
    static void write(ObjectNode json, RotaryConfig rotary) {
        json.put(DIM, rotary.dim()).put(THETA, rotary.theta());
        ObjectNode scaling = json.putObject(SCALING);
        RopeScaling own = rotary.scaling();
        if (own instanceof RopeScaling.Linear linear) {
            scaling.put(TYPE, LINEAR).put(FACTOR, linear.factor());
        } else if (own instanceof RopeScaling.Llama3 llama3) {
            scaling.put(TYPE, LLAMA3)
                    .put(FACTOR, llama3.factor())
                    .put(LOW, llama3.lowFrequencyFactor())
                    .put(HIGH, llama3.highFrequencyFactor())
                    .put(ORIGINAL, llama3.originalPositions());
        } else {
            scaling.put(TYPE, NONE);
        }
    }
}
