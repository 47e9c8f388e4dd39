package org.mohawk4j.models.export;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
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
    private static final String YARN = "yarn";
    private static final String LONGROPE = "longrope";
    private static final String TURNS_KEPT = "turns_kept";
    private static final String TURNS_DIVIDED = "turns_divided";
    private static final String WHOLE_PAIRS = "whole_pairs";
    private static final String ATTENTION_FACTOR = "attention_factor";
    private static final String SHORT = "short_factors";
    private static final String LONG = "long_factors";
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
        return new RotaryConfig(dim, positive(json, THETA), scaling(json.object(SCALING), dim / 2));
    }

    private static RopeScaling scaling(ConfigNode json, int pairs) {
        return switch (json.text(TYPE)) {
            case NONE -> new RopeScaling.None();
            case LINEAR -> new RopeScaling.Linear(positive(json, FACTOR));
            case LLAMA3 -> llama3(json);
            case YARN -> yarn(json);
            case LONGROPE ->
                new RopeScaling.LongRope(
                        factors(json, SHORT, pairs),
                        factors(json, LONG, pairs),
                        json.positive(ORIGINAL),
                        positive(json, ATTENTION_FACTOR));
            default ->
                throw json.wrong(
                        TYPE, "one of " + String.join(", ", NONE, LINEAR, LLAMA3, YARN, LONGROPE), json.text(TYPE));
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

    private static RopeScaling yarn(ConfigNode json) {
        double divided = positive(json, TURNS_DIVIDED);
        double kept = positive(json, TURNS_KEPT);
        if (kept < divided) {
            throw json.wrong(TURNS_KEPT, "a number of at least " + TURNS_DIVIDED + " " + divided, kept);
        }
        return new RopeScaling.Yarn(
                positive(json, FACTOR),
                kept,
                divided,
                json.flag(WHOLE_PAIRS, true),
                json.positive(ORIGINAL),
                positive(json, ATTENTION_FACTOR));
    }

    private static List<Double> factors(ConfigNode json, String key, int pairs) {
        List<Double> factors = json.numbers(key);
        if (factors.size() != pairs || !factors.stream().allMatch(factor -> factor > 0)) {
            throw json.wrong(key, "a number above 0 for each of " + pairs + " pairs", factors);
        }
        return factors;
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
        } else if (own instanceof RopeScaling.Yarn yarn) {
            scaling.put(TYPE, YARN)
                    .put(FACTOR, yarn.factor())
                    .put(TURNS_KEPT, yarn.turnsKept())
                    .put(TURNS_DIVIDED, yarn.turnsDivided())
                    .put(WHOLE_PAIRS, yarn.wholePairs())
                    .put(ORIGINAL, yarn.originalPositions())
                    .put(ATTENTION_FACTOR, yarn.attentionFactor());
        } else if (own instanceof RopeScaling.LongRope longRope) {
            scaling.put(TYPE, LONGROPE)
                    .put(ORIGINAL, longRope.originalPositions())
                    .put(ATTENTION_FACTOR, longRope.attentionFactor());
            longRope.shortFactors().forEach(scaling.putArray(SHORT)::add);
            longRope.longFactors().forEach(scaling.putArray(LONG)::add);
        } else {
            scaling.put(TYPE, NONE);
        }
    }
}
