package org.mohawk4j.models;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.nn.RopeScaling;

/** The scaling in a {@link RopeFormat}: {@code rope_type} with its settings, with transformers' defaults. */
final class RopeScalingFormat {
    private static final String TYPE = "rope_type";
    private static final List<String> TYPES = List.of(TYPE, "type");
    private static final String DEFAULT = "default";
    private static final String LINEAR = "linear";
    private static final String LLAMA3 = "llama3";
    private static final String YARN = "yarn";
    private static final String LONGROPE = "longrope";

    /** What LongRoPE was called at first. */
    private static final String SU = "su";

    private static final String FACTOR = "factor";
    private static final String LOW = "low_freq_factor";
    private static final String HIGH = "high_freq_factor";
    private static final String FAST = "beta_fast";
    private static final String SLOW = "beta_slow";
    private static final String ATTENTION = "attention_factor";
    private static final String MSCALE = "mscale";
    private static final String MSCALE_ALL = "mscale_all_dim";
    private static final String TRUNCATE = "truncate";
    private static final String SHORT = "short_factor";
    private static final String LONG = "long_factor";
    private static final String ORIGINAL = "original_max_position_embeddings";
    private static final String POSITIONS = "max_position_embeddings";
    private static final double DEFAULT_FAST = 32;
    private static final double DEFAULT_SLOW = 1;

    /** What scaled frequencies depend on beside lists and flags. */
    private static final List<String> SCALES =
            List.of(FACTOR, LOW, HIGH, FAST, SLOW, ATTENTION, MSCALE, MSCALE_ALL, ORIGINAL);

    /**
     * @param section with the settings
     * @param config around it
     * @param pairs of entries that turn
     */
    private record Source(ConfigNode section, ConfigNode config, int pairs) {
        double factor() {
            return section.positiveNumber(FACTOR);
        }

        /** Of the object around, which has priority; else of the section; else all positions. */
        long original() {
            ConfigNode holder = config.has(ORIGINAL) || !section.has(ORIGINAL) ? config : section;
            if (!holder.has(ORIGINAL) && !config.has(POSITIONS)) {
                return section.positive(ORIGINAL);
            }
            return holder.has(ORIGINAL) ? holder.positive(ORIGINAL) : config.positive(POSITIONS);
        }

        /** How many times longer the context has become. */
        double stretch() {
            if (section.has(FACTOR)) {
                return factor();
            }
            return config.has(POSITIONS) ? (double) config.positive(POSITIONS) / original() : 1;
        }
    }

    private RopeScalingFormat() {}

    /**
     * @param sections that may name a scaling, innermost first
     * @param rotaryDim entries of a head that turn
     */
    static RopeScaling read(List<ConfigNode> sections, ConfigNode config, int rotaryDim) {
        RopeScaling scaling = new RopeScaling.None();
        String before = "";
        for (ConfigNode section : sections) {
            section.keys().stream().filter(section::isObject).findFirst().ifPresent(key -> {
                throw section.wrong(key, "settings for all layers", "an object, as for one kind of layer");
            });
            SCALES.forEach(section::optionalNumber);
            for (String key : TYPES) {
                if (section.has(key)) {
                    // transformers 5 adds the new name to a section that has the old one
                    String type = section.text(key).equals(SU) ? LONGROPE : section.text(key);
                    if (!before.isEmpty() && !type.equals(before)) {
                        throw section.wrong(key, "the one type of scaling that is named, " + before, type);
                    }
                    scaling = read(new Source(section, config, rotaryDim / 2), key, type);
                    before = type;
                }
            }
            if (TYPES.stream().noneMatch(section::has)) {
                SCALES.stream().filter(section::has).findFirst().ifPresent(key -> section.text(TYPE));
            }
        }
        return scaling;
    }

    private static RopeScaling read(Source source, String key, String type) {
        return switch (type) {
            case DEFAULT -> new RopeScaling.None();
            case LINEAR -> new RopeScaling.Linear(source.factor());
            case LLAMA3 -> llama3(source);
            // early Phi-3 says yarn where it means longrope
            case YARN -> source.section().has(LONG) ? longRope(source) : yarn(source);
            case LONGROPE -> longRope(source);
            default ->
                throw source.section()
                        .wrong(
                                key,
                                "one of " + String.join(", ", DEFAULT, LINEAR, LLAMA3, YARN, LONGROPE)
                                        + ", which are computed",
                                type);
        };
    }

    private static RopeScaling llama3(Source source) {
        ConfigNode section = source.section();
        double low = section.positiveNumber(LOW);
        double high = section.positiveNumber(HIGH);
        if (high <= low) {
            throw section.wrong(HIGH, "a number above " + LOW + " " + low, high);
        }
        return new RopeScaling.Llama3(source.factor(), low, high, source.original());
    }

    private static RopeScaling yarn(Source source) {
        ConfigNode section = source.section();
        double factor = source.factor();
        double fast = orDefault(section, FAST, DEFAULT_FAST);
        double slow = orDefault(section, SLOW, DEFAULT_SLOW);
        if (fast < slow) {
            throw section.wrong(FAST, "a number of at least " + SLOW + " " + slow, fast);
        }
        return new RopeScaling.Yarn(
                factor,
                fast,
                slow,
                section.flag(TRUNCATE, true),
                source.original(),
                section.has(ATTENTION) ? section.positiveNumber(ATTENTION) : yarnAttention(section, factor));
    }

    private static double yarnAttention(ConfigNode section, double factor) {
        double mscale = orDefault(section, MSCALE, 0);
        double all = orDefault(section, MSCALE_ALL, 0);
        return mscale > 0 && all > 0
                ? yarnAttention(factor, mscale) / yarnAttention(factor, all)
                : yarnAttention(factor, 1);
    }

    private static double yarnAttention(double factor, double mscale) {
        return factor <= 1 ? 1 : 0.1 * mscale * Math.log(factor) + 1;
    }

    /** What transformers takes for absent where it is 0. */
    private static double orDefault(ConfigNode section, String key, double fallback) {
        double value = section.optionalNumber(key).orElse(0);
        return value == 0 ? fallback : value;
    }

    private static RopeScaling longRope(Source source) {
        ConfigNode section = source.section();
        double stretch = source.stretch();
        double attention = stretch <= 1 ? 1 : Math.sqrt(1 + Math.log(stretch) / Math.log(source.original()));
        return new RopeScaling.LongRope(
                factors(source, SHORT),
                factors(source, LONG),
                source.original(),
                section.has(ATTENTION) ? section.positiveNumber(ATTENTION) : attention);
    }

    private static List<Double> factors(Source source, String key) {
        List<Double> factors = source.section().numbers(key);
        if (factors.size() != source.pairs() || factors.stream().anyMatch(factor -> factor <= 0)) {
            throw source.section()
                    .wrong(key, "a number above 0 for each of " + source.pairs() + " pairs of entries", factors);
        }
        return factors;
    }

    /**
     * The inverse of {@link #read}.
     *
     * @param config around the section
     */
    static void write(ObjectNode config, ObjectNode section, RopeScaling scaling) {
        if (scaling instanceof RopeScaling.Linear linear) {
            section.put(TYPE, LINEAR).put(FACTOR, linear.factor());
        } else if (scaling instanceof RopeScaling.Llama3 llama3) {
            section.put(TYPE, LLAMA3)
                    .put(FACTOR, llama3.factor())
                    .put(LOW, llama3.lowFrequencyFactor())
                    .put(HIGH, llama3.highFrequencyFactor())
                    .put(ORIGINAL, llama3.originalPositions());
        } else if (scaling instanceof RopeScaling.Yarn yarn) {
            section.put(TYPE, YARN)
                    .put(FACTOR, yarn.factor())
                    .put(FAST, yarn.turnsKept())
                    .put(SLOW, yarn.turnsDivided())
                    .put(TRUNCATE, yarn.wholePairs())
                    .put(ORIGINAL, yarn.originalPositions())
                    .put(ATTENTION, yarn.attentionFactor());
        } else if (scaling instanceof RopeScaling.LongRope longRope) {
            section.put(TYPE, LONGROPE).put(ATTENTION, longRope.attentionFactor());
            longRope.shortFactors().forEach(section.putArray(SHORT)::add);
            longRope.longFactors().forEach(section.putArray(LONG)::add);
            // where it has priority
            config.put(ORIGINAL, longRope.originalPositions());
        }
    }
}
