package org.mohawk4j.models;

import java.util.List;
import java.util.stream.Stream;

/**
 * The rotary embedding that a configuration asks for, under the keys of Hugging Face transformers in either schema:
 * {@code rope_theta} with {@code rope_scaling} (version 4), or {@code rope_parameters} (version 5), which may leave keys
 * to its surroundings. Scaled frequencies are refused by name: a model that ignores them computes wrong numbers.
 *
 * @param theta base of the rotation frequencies
 * @param rotaryDim how many entries of each head turn, an even number
 */
public record RopeSettings(double theta, int rotaryDim) {
    private static final String PARAMETERS = "rope_parameters";
    private static final String SCALING = "rope_scaling";
    private static final String THETA = "rope_theta";
    private static final String FRACTION = "partial_rotary_factor";
    private static final List<String> TYPES = List.of("rope_type", "type");

    /** What scaled frequencies depend on beside lists and flags. */
    private static final List<String> SCALES = List.of(
            "factor",
            "low_freq_factor",
            "high_freq_factor",
            "beta_fast",
            "beta_slow",
            "attention_factor",
            "mscale",
            "mscale_all_dim",
            "original_max_position_embeddings");

    /**
     * Reads the settings of one attention.
     *
     * @param config the object with the attention's keys
     * @param headDim entries of a head
     * @param defaultTheta where no {@code rope_theta} is given
     * @param defaultFraction share of a head that turns where no {@code partial_rotary_factor} is given
     * @throws org.mohawk4j.InvalidInputException for a value that is not computed, makes no sense, or contradicts another
     */
    public static RopeSettings read(ConfigNode config, long headDim, double defaultTheta, double defaultFraction) {
        List<ConfigNode> sections = Stream.of(PARAMETERS, SCALING)
                .filter(config::has)
                .map(config::object)
                // without a value it says nothing, as null does
                .filter(section -> section.keys().stream().anyMatch(section::has))
                .toList();
        if (sections.size() > 1) {
            sections.get(0).keys().forEach(key -> sections.get(1).requireSame(key, sections.get(0), PARAMETERS));
        }
        sections.forEach(RopeSettings::requireUnscaled);
        ConfigNode ofTheta = holder(THETA, sections, config);
        double theta = ofTheta.optionalNumber(THETA).orElse(defaultTheta);
        if (theta <= 0) {
            throw ofTheta.wrong(THETA, "a number above 0", theta);
        }
        ConfigNode ofFraction = holder(FRACTION, sections, config);
        double fraction = ofFraction.optionalNumber(FRACTION).orElse(defaultFraction);
        int rotaryDim = (int) (fraction * headDim);
        if (rotaryDim % 2 != 0 || fraction > 1) {
            throw ofFraction.wrong(FRACTION, "an even share of " + headDim + " entries", fraction);
        }
        return new RopeSettings(theta, rotaryDim);
    }

    /** The innermost object with the key, as transformers reads it. */
    private static ConfigNode holder(String key, List<ConfigNode> sections, ConfigNode config) {
        return sections.stream().filter(section -> section.has(key)).findFirst().orElse(config);
    }

    private static void requireUnscaled(ConfigNode section) {
        TYPES.forEach(key -> section.requireIfPresent(key, "default"));
        SCALES.forEach(section::optionalNumber);
        if (TYPES.stream().noneMatch(section::has)) {
            SCALES.stream().filter(section::has).findFirst().ifPresent(key -> section.text(TYPES.get(0)));
        }
        section.keys().stream().filter(section::isObject).findFirst().ifPresent(key -> {
            throw section.wrong(key, "settings for all layers", "an object, as for one kind of layer");
        });
    }
}
