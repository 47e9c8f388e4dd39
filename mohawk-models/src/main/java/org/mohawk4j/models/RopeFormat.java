package org.mohawk4j.models;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.stream.Stream;
import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.nn.RopeScaling;
import org.mohawk4j.nn.RotaryConfig;

/**
 * How a rotary embedding stands in a configuration, under the keys of Hugging Face transformers in either schema:
 * {@code rope_theta} with {@code rope_scaling} (version 4), or {@code rope_parameters} (version 5), which may leave keys
 * to the object around it. A scaling that is not computed is refused by name: a model that ignores it computes wrong
 * numbers.
 */
public final class RopeFormat {
    private static final String PARAMETERS = "rope_parameters";
    private static final String SCALING = "rope_scaling";
    private static final String THETA = "rope_theta";
    private static final String FRACTION = "partial_rotary_factor";
    private static final String TYPE = "rope_type";
    private static final List<String> TYPES = List.of(TYPE, "type");
    private static final String DEFAULT = "default";
    private static final String LINEAR = "linear";
    private static final String LLAMA3 = "llama3";
    private static final String FACTOR = "factor";
    private static final String LOW = "low_freq_factor";
    private static final String HIGH = "high_freq_factor";
    private static final String ORIGINAL = "original_max_position_embeddings";

    /** What scaled frequencies depend on beside lists and flags. */
    private static final List<String> SCALES = List.of(
            FACTOR, LOW, HIGH, "beta_fast", "beta_slow", "attention_factor", "mscale", "mscale_all_dim", ORIGINAL);

    private RopeFormat() {}

    /**
     * Reads the rotary embedding of one attention.
     *
     * @param config the object with the attention's keys
     * @param headDim entries of a head
     * @param defaultTheta where no {@code rope_theta} is given
     * @param defaultFraction share of a head that turns where no {@code partial_rotary_factor} is given
     * @throws org.mohawk4j.InvalidInputException for a value that is not computed, makes no sense, or contradicts another
     */
    public static RotaryConfig read(ConfigNode config, long headDim, double defaultTheta, double defaultFraction) {
        List<ConfigNode> sections = Stream.of(PARAMETERS, SCALING)
                .filter(config::has)
                .map(config::object)
                // without a value it says nothing, as null does
                .filter(section -> section.keys().stream().anyMatch(section::has))
                .toList();
        if (sections.size() > 1) {
            sections.get(0).keys().forEach(key -> sections.get(1).requireSame(key, sections.get(0), PARAMETERS));
        }
        ConfigNode ofTheta = holder(THETA, sections, config);
        double theta = ofTheta.has(THETA) ? positive(ofTheta, THETA) : defaultTheta;
        ConfigNode ofFraction = holder(FRACTION, sections, config);
        double fraction = ofFraction.optionalNumber(FRACTION).orElse(defaultFraction);
        int rotaryDim = (int) (fraction * headDim);
        if (rotaryDim % 2 != 0 || fraction < 0 || fraction > 1) {
            throw ofFraction.wrong(FRACTION, "an even share of " + headDim + " entries", fraction);
        }
        return new RotaryConfig(rotaryDim, theta, scaling(sections));
    }

    /** The innermost object with the key, as transformers reads it. */
    private static ConfigNode holder(String key, List<ConfigNode> sections, ConfigNode config) {
        return sections.stream().filter(section -> section.has(key)).findFirst().orElse(config);
    }

    private static RopeScaling scaling(List<ConfigNode> sections) {
        RopeScaling scaling = new RopeScaling.None();
        String before = "";
        for (ConfigNode section : sections) {
            section.keys().stream().filter(section::isObject).findFirst().ifPresent(key -> {
                throw section.wrong(key, "settings for all layers", "an object, as for one kind of layer");
            });
            SCALES.forEach(section::optionalNumber);
            for (String key : TYPES) {
                if (section.has(key)) {
                    String type = section.text(key);
                    if (!before.isEmpty() && !type.equals(before)) {
                        throw section.wrong(key, "the one type of scaling that is named, " + before, type);
                    }
                    scaling = scaling(section, key, type);
                    before = type;
                }
            }
            if (TYPES.stream().noneMatch(section::has)) {
                SCALES.stream().filter(section::has).findFirst().ifPresent(key -> section.text(TYPE));
            }
        }
        return scaling;
    }

    private static RopeScaling scaling(ConfigNode section, String key, String type) {
        return switch (type) {
            case DEFAULT -> new RopeScaling.None();
            case LINEAR -> new RopeScaling.Linear(positive(section, FACTOR));
            case LLAMA3 -> llama3(section);
            default ->
                throw section.wrong(
                        key, "one of " + String.join(", ", DEFAULT, LINEAR, LLAMA3) + ", which are computed", type);
        };
    }

    private static RopeScaling llama3(ConfigNode section) {
        double low = positive(section, LOW);
        double high = positive(section, HIGH);
        if (high <= low) {
            throw section.wrong(HIGH, "a number above " + LOW + " " + low, high);
        }
        return new RopeScaling.Llama3(positive(section, FACTOR), low, high, section.positive(ORIGINAL));
    }

    private static double positive(ConfigNode config, String key) {
        double value = config.number(key);
        if (value <= 0) {
            throw config.wrong(key, "a number above 0", value);
        }
        return value;
    }

    /** Writes base and scaling in the older schema, where a configuration without scaling has no key for it. */
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
        }
    }
}
