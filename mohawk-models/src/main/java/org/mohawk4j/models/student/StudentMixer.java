package org.mohawk4j.models.student;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.mixer.SoftmaxAttention;
import org.mohawk4j.mixer.SoftmaxAttention.Biases;
import org.mohawk4j.mixer.SoftmaxAttention.Projections;
import org.mohawk4j.mixer.SoftmaxAttention.QueryKeyNorm;
import org.mohawk4j.models.AttentionHeads;
import org.mohawk4j.models.RopeFormat;
import org.mohawk4j.models.llama.ComponentMamba2;
import org.mohawk4j.models.mixer.MixerFormat;
import org.mohawk4j.models.mixer.MixerFormats;
import org.mohawk4j.op.AttentionScores;

/** A layer's mixer in our own form: discrete Mamba-2, any attention, or one with a {@link MixerFormat}. */
final class StudentMixer {
    private static final String NAME = "mixer";
    private static final String INPUT = "input";
    private static final String ATTENTION = "SoftmaxAttention";
    private static final String QUERY_BIAS = "q_bias";
    private static final String KEY_BIAS = "k_bias";
    private static final String VALUE_BIAS = "v_bias";
    private static final String OUTPUT_BIAS = "o_bias";
    private static final String NORM = "qk_norm";
    private static final String EPSILON = "epsilon";
    private static final String UNIT_OFFSET = "unit_offset";
    private static final String ACROSS_HEADS = "across_heads";
    private static final String SCALE = "score_scale";
    private static final String SOFT_CAP = "score_soft_cap";
    private static final String WINDOW = "sliding_window";
    private static final double DEFAULT_THETA = 10_000;

    private StudentMixer() {}

    /** @param width D */
    static MixerConfig read(ConfigNode layer, long width) {
        String name = layer.text(NAME);
        ConfigNode input = layer.object(INPUT);
        if (name.equals(ATTENTION)) {
            return attention(input, width);
        }
        if (name.equals(ComponentMamba2.NAME)) {
            return ComponentMamba2.read(input, width);
        }
        return MixerFormats.all().stream()
                .filter(format -> format.coreType().equals(name))
                .findFirst()
                .orElseThrow(() -> layer.wrong(
                        NAME,
                        "one of "
                                + Stream.concat(
                                                Stream.of(ATTENTION, ComponentMamba2.NAME),
                                                MixerFormats.all().stream().map(MixerFormat::coreType))
                                        .collect(Collectors.joining(", ")),
                        name))
                .read(input, width);
    }

    private static SoftmaxAttention.Config attention(ConfigNode input, long width) {
        AttentionHeads heads = AttentionHeads.read(input, width);
        Optional<QueryKeyNorm> norm = Optional.empty();
        if (input.has(NORM)) {
            ConfigNode own = input.object(NORM);
            norm = Optional.of(new QueryKeyNorm(
                    own.positiveNumber(EPSILON), own.flag(UNIT_OFFSET, false), own.flag(ACROSS_HEADS, false)));
        }
        return new SoftmaxAttention.Config(
                width,
                heads.heads(),
                heads.keyValueHeads(),
                heads.headDim(),
                new Projections(
                        new Biases(
                                input.flag(QUERY_BIAS, false),
                                input.flag(KEY_BIAS, false),
                                input.flag(VALUE_BIAS, false),
                                input.flag(OUTPUT_BIAS, false)),
                        norm),
                RopeFormat.read(input, heads.headDim(), DEFAULT_THETA, 1),
                new AttentionScores(
                        input.has(SCALE) ? input.positiveNumber(SCALE) : 1 / Math.sqrt(heads.headDim()),
                        input.optionalNumber(SOFT_CAP).orElse(0),
                        input.has(WINDOW) ? input.whole(WINDOW, 0, Integer.MAX_VALUE) : 0));
    }

    /** The inverse of {@link #read}; empty for a mixer that this form does not know. */
    static Optional<ObjectNode> write(MixerConfig mixer) {
        if (mixer instanceof SoftmaxAttention.Config attention) {
            return Optional.of(layer(ATTENTION, attention(attention)));
        }
        if (mixer instanceof DiscreteMamba2.Config mamba) {
            return Optional.of(layer(ComponentMamba2.NAME, ComponentMamba2.write(mamba)));
        }
        return MixerFormats.write(mixer)
                .map(written -> layer(written.format().coreType(), written.json()));
    }

    private static ObjectNode layer(String name, ObjectNode input) {
        ObjectNode layer = JsonNodeFactory.instance.objectNode();
        layer.put(NAME, name).set(INPUT, input);
        return layer;
    }

    private static ObjectNode attention(SoftmaxAttention.Config attention) {
        ObjectNode input = JsonNodeFactory.instance.objectNode();
        AttentionHeads.write(input, attention);
        Biases biases = attention.biases();
        input.put(QUERY_BIAS, biases.query())
                .put(KEY_BIAS, biases.key())
                .put(VALUE_BIAS, biases.value())
                .put(OUTPUT_BIAS, biases.output());
        attention.queryKeyNorm().ifPresent(norm -> input.putObject(NORM)
                .put(EPSILON, norm.epsilon())
                .put(UNIT_OFFSET, norm.unitOffset())
                .put(ACROSS_HEADS, norm.acrossHeads()));
        RopeFormat.write(input, attention.rotary(), attention.headDim());
        AttentionScores scores = attention.scores();
        input.put(SCALE, scores.scale()).put(SOFT_CAP, scores.softCap()).put(WINDOW, scores.window());
        return input;
    }
}
