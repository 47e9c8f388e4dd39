package org.mohawk4j.models.export;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Optional;
import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.mixer.SoftmaxAttention;
import org.mohawk4j.mixer.SoftmaxAttention.Biases;
import org.mohawk4j.mixer.SoftmaxAttention.Projections;
import org.mohawk4j.mixer.SoftmaxAttention.QueryKeyNorm;
import org.mohawk4j.op.AttentionScores;

/** How an attention stands in a configuration of ours: each value by itself, whatever family it comes from. */
final class AttentionJson {
    private static final String HEADS = "heads";
    private static final String KEY_VALUE_HEADS = "key_value_heads";
    private static final String HEAD_DIM = "head_dim";
    private static final String BIASES = "biases";
    private static final String NORM = "query_key_norm";
    private static final String EPSILON = "epsilon";
    private static final String UNIT_OFFSET = "unit_offset";
    private static final String ACROSS_HEADS = "across_heads";
    private static final String ROTARY = "rotary";
    private static final String SCALE = "scale";
    private static final String SOFT_CAP = "soft_cap";
    private static final String WINDOW = "window";
    private static final String QUERY = "query";
    private static final String KEY = "key";
    private static final String VALUE = "value";
    private static final String OUTPUT = "output";

    private AttentionJson() {}

    /** @param width D */
    static SoftmaxAttention.Config read(ConfigNode run, long width) {
        int heads = run.positiveInt(HEADS);
        int keyValueHeads = run.divisor(KEY_VALUE_HEADS, heads, HEADS + " " + heads);
        int headDim = run.positiveInt(HEAD_DIM);
        if ((long) heads * headDim > Integer.MAX_VALUE) {
            throw run.wrong(HEAD_DIM, "at most " + Integer.MAX_VALUE + " entries of all heads together", headDim);
        }
        return new SoftmaxAttention.Config(
                width,
                heads,
                keyValueHeads,
                headDim,
                new Projections(biases(run), run.has(NORM) ? Optional.of(norm(run.object(NORM))) : Optional.empty()),
                RotaryJson.read(run.object(ROTARY), headDim),
                new AttentionScores(
                        run.number(SCALE), run.number(SOFT_CAP), run.between(WINDOW, 0, Integer.MAX_VALUE)));
    }

    private static Biases biases(ConfigNode run) {
        List<String> names = run.texts(BIASES);
        for (String name : names) {
            if (!List.of(QUERY, KEY, VALUE, OUTPUT).contains(name)) {
                throw run.wrong(BIASES, "query, key, value or output", name);
            }
        }
        return new Biases(names.contains(QUERY), names.contains(KEY), names.contains(VALUE), names.contains(OUTPUT));
    }

    private static QueryKeyNorm norm(ConfigNode norm) {
        return new QueryKeyNorm(
                norm.positiveNumber(EPSILON), norm.flag(UNIT_OFFSET, false), norm.flag(ACROSS_HEADS, false));
    }

    /** The inverse of {@link #read}. */
    static void write(ObjectNode json, SoftmaxAttention.Config attention) {
        json.put(HEADS, attention.heads());
        json.put(KEY_VALUE_HEADS, attention.keyValueHeads());
        json.put(HEAD_DIM, attention.headDim());
        ArrayNode biases = json.putArray(BIASES);
        addIf(biases, attention.biases().query(), QUERY);
        addIf(biases, attention.biases().key(), KEY);
        addIf(biases, attention.biases().value(), VALUE);
        addIf(biases, attention.biases().output(), OUTPUT);
        json.putNull(NORM);
        attention
                .queryKeyNorm()
                .ifPresent(norm -> json.putObject(NORM)
                        .put(EPSILON, norm.epsilon())
                        .put(UNIT_OFFSET, norm.unitOffset())
                        .put(ACROSS_HEADS, norm.acrossHeads()));
        RotaryJson.write(json.putObject(ROTARY), attention.rotary());
        json.put(SCALE, attention.scores().scale());
        json.put(SOFT_CAP, attention.scores().softCap());
        json.put(WINDOW, attention.scores().window());
    }

    private static void addIf(ArrayNode names, boolean present, String name) {
        if (present) {
            names.add(name);
        }
    }
}
