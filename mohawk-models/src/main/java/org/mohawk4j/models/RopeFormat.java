package org.mohawk4j.models;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.stream.Stream;
import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.nn.RopeScaling;
import org.mohawk4j.nn.RotaryConfig;

/**
 * Reads and writes a rotary embedding under the keys of Hugging Face transformers in either schema: {@code rope_theta}
 * with {@code rope_scaling} (version 4), or {@code rope_parameters} (version 5), which may leave keys to the object
 * around it. A scaling that is not computed is refused by name: a model that ignores it computes wrong numbers.
 */
public final class RopeFormat {
    private static final String PARAMETERS = "rope_parameters";
    private static final String SCALING = "rope_scaling";
    private static final String THETA = "rope_theta";
    private static final String FRACTION = "partial_rotary_factor";

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
        return read(sections, config, headDim, theta(holder(THETA, sections, config), defaultTheta), defaultFraction);
    }

    /** As {@link #read(ConfigNode, long, double, double)}, for a family whose heads turn as a whole. */
    public static RotaryConfig readWhole(ConfigNode config, int headDim, double defaultTheta) {
        if (headDim % 2 != 0) {
            throw config.wrong("head_dim", "an even number, since its entries turn in pairs", headDim);
        }
        RotaryConfig rotary = read(config, headDim, defaultTheta, 1);
        if (rotary.dim() != headDim) {
            throw config.wrong(FRACTION, "1, since whole heads turn", rotary.dim() + " of " + headDim + " entries");
        }
        return rotary;
    }

    /**
     * As {@link #read(ConfigNode, long, double, double)}, for the layers of one kind, which have a section of their own in
     * {@code rope_parameters}.
     *
     * @param config the object around {@code rope_parameters}
     */
    public static RotaryConfig readKind(
            ConfigNode config, String kind, long headDim, double defaultTheta, double defaultFraction) {
        ConfigNode parameters = config.object(PARAMETERS);
        if (!parameters.has(kind)) {
            return read(List.of(), config, headDim, defaultTheta, defaultFraction);
        }
        ConfigNode section = parameters.object(kind);
        return read(List.of(section), config, headDim, theta(section, defaultTheta), defaultFraction);
    }

    /** Whether the layers of some kind have a section of their own. */
    public static boolean hasKind(ConfigNode config, String kind) {
        return config.isObject(PARAMETERS) && config.object(PARAMETERS).isObject(kind);
    }

    private static double theta(ConfigNode holder, double fallback) {
        return holder.has(THETA) ? holder.positiveNumber(THETA) : fallback;
    }

    private static RotaryConfig read(
            List<ConfigNode> sections, ConfigNode config, long headDim, double theta, double defaultFraction) {
        ConfigNode ofFraction = holder(FRACTION, sections, config);
        double fraction = ofFraction.optionalNumber(FRACTION).orElse(defaultFraction);
        int rotaryDim = (int) (fraction * headDim);
        if (rotaryDim % 2 != 0 || fraction < 0 || fraction > 1) {
            throw ofFraction.wrong(FRACTION, "an even share of " + headDim + " entries", fraction);
        }
        return new RotaryConfig(rotaryDim, theta, RopeScalingFormat.read(sections, config, rotaryDim));
    }

    /** The innermost object with the key, as transformers reads it. */
    private static ConfigNode holder(String key, List<ConfigNode> sections, ConfigNode config) {
        return sections.stream().filter(section -> section.has(key)).findFirst().orElse(config);
    }

    /** Writes base and scaling in the older schema, where a configuration without scaling has no key for it. */
    public static void write(ObjectNode json, RotaryConfig rotary) {
        json.put(THETA, rotary.theta());
        RopeScaling scaling = rotary.scaling();
        if (!(scaling instanceof RopeScaling.None)) {
            RopeScalingFormat.write(json, json.putObject(SCALING), scaling);
        }
    }

    /** As {@link #write(ObjectNode, RotaryConfig)}, with the share of a head that turns unless it is all of it. */
    public static void write(ObjectNode json, RotaryConfig rotary, long headDim) {
        write(json, rotary);
        if (rotary.dim() != headDim) {
            double fraction = (double) rotary.dim() / headDim;
            // what is cut off when it is read may be a rounding error
            json.put(FRACTION, (int) (fraction * headDim) == rotary.dim() ? fraction : Math.nextUp(fraction));
        }
    }
}
