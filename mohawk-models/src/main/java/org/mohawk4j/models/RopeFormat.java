package org.mohawk4j.models;

import com.fasterxml.jackson.databind.node.ObjectNode;
import org.mohawk4j.layer.RopeScaling;
import org.mohawk4j.layer.RotaryConfig;

/**
 * How a rotary embedding stands in a configuration: {@code rope_theta} and {@code rope_scaling}, as most folders on the
 * Hub have it, or both in {@code rope_parameters}, as transformers 5 writes it.
 */
public final class RopeFormat {
    private static final String THETA = "rope_theta";
    private static final String SCALING = "rope_scaling";
    private static final String PARAMETERS = "rope_parameters";
    private static final String TYPE = "rope_type";
    private static final String OLD_TYPE = "type";
    private static final String DEFAULT = "default";
    private static final String LINEAR = "linear";
    private static final String LLAMA3 = "llama3";
    private static final String FACTOR = "factor";
    private static final String LOW = "low_freq_factor";
    private static final String HIGH = "high_freq_factor";
    private static final String ORIGINAL = "original_max_position_embeddings";

    private RopeFormat() {}

    /**
     * @param dim entries of each head that turn
     * @param defaultTheta where the configuration has none
     */
    public static RotaryConfig read(ConfigNode config, int dim, double defaultTheta) {
        if (!config.has(SCALING) && !config.has(PARAMETERS)) {
            return new RotaryConfig(dim, theta(config, defaultTheta));
        }
        ConfigNode settings = config.object(config.has(SCALING) ? SCALING : PARAMETERS);
        double theta = theta(settings.has(THETA) ? settings : config, defaultTheta);
        return new RotaryConfig(dim, theta, scaling(settings));
    }

    private static double theta(ConfigNode config, double defaultTheta) {
        return config.has(THETA) ? positive(config, THETA) : defaultTheta;
    }

    private static RopeScaling scaling(ConfigNode settings) {
        String key = settings.has(TYPE) ? TYPE : OLD_TYPE;
        String type = settings.has(key) ? settings.text(key) : DEFAULT;
        return switch (type) {
            case DEFAULT -> new RopeScaling.None();
            case LINEAR -> new RopeScaling.Linear(positive(settings, FACTOR));
            case LLAMA3 -> llama3(settings);
            default ->
                throw settings.wrong(
                        key, "one of " + String.join(", ", DEFAULT, LINEAR, LLAMA3) + ", which are computed", type);
        };
    }

    private static RopeScaling llama3(ConfigNode settings) {
        double low = positive(settings, LOW);
        double high = positive(settings, HIGH);
        if (high <= low) {
            throw settings.wrong(HIGH, "a number above " + LOW + " " + low, high);
        }
        return new RopeScaling.Llama3(positive(settings, FACTOR), low, high, settings.positive(ORIGINAL));
    }

    private static double positive(ConfigNode config, String key) {
        double value = config.number(key);
        if (value <= 0) {
            throw config.wrong(key, "a number above 0", value);
        }
        return value;
    }

    /** The inverse of {@link #read}, in the older form. */
    public static void write(ObjectNode json, RotaryConfig rotary) {
        json.put(THETA, rotary.theta());
        if (rotary.scaling() instanceof RopeScaling.Linear linear) {
            json.putObject(SCALING).put(TYPE, LINEAR).put(FACTOR, linear.factor());
        } else if (rotary.scaling() instanceof RopeScaling.Llama3 llama3) {
            json.putObject(SCALING)
                    .put(TYPE, LLAMA3)
                    .put(FACTOR, llama3.factor())
                    .put(LOW, llama3.lowFrequencyFactor())
                    .put(HIGH, llama3.highFrequencyFactor())
                    .put(ORIGINAL, llama3.originalPositions());
        } else {
            json.putNull(SCALING);
        }
    }
}
