package org.mohawk4j.models.phimamba;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Optional;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.mixer.SoftmaxAttention;
import org.mohawk4j.models.RopeFormat;
import org.mohawk4j.models.TeacherLayer;
import org.mohawk4j.models.mixer.MixerFormat;
import org.mohawk4j.models.mixer.MixerOption;
import org.mohawk4j.models.mixer.MixerOptions;
import org.mohawk4j.models.phi.PhiAttention;
import org.mohawk4j.nn.RopeScaling;
import org.mohawk4j.nn.RotaryConfig;
import org.mohawk4j.op.AttentionScores;

/** {@code modules.mixers.phi_attention} of goombalab/phi-mamba: a layer of a hybrid that keeps its attention. */
public final class PhiAttentionFormat implements MixerFormat {
    private static final String HEADS = "heads";
    private static final String KEY_VALUE_HEADS = "kv-heads";

    @Override
    public String name() {
        return "attention";
    }

    @Override
    public String description() {
        return "softmax attention as the teacher's, freshly initialized: a control";
    }

    @Override
    public List<MixerOption> options() {
        return List.of(
                MixerOption.derivedWhole(HEADS, "the teacher's", 1, "H, a divisor of the width of the teacher's heads"),
                MixerOption.derivedWhole(
                        KEY_VALUE_HEADS, "the teacher's, or heads if these are given", 1, "G, a divisor of H"));
    }

    @Override
    public MixerConfig configure(TeacherLayer replaced, MixerOptions options) {
        if (!(replaced.mixer() instanceof SoftmaxAttention.Config own)) {
            throw new InvalidInputException("mixer " + name() + ": expected an attention to replace in layer "
                    + replaced.index() + ", got " + replaced.mixer());
        }
        int heads = options.divisor(HEADS, own.heads(), own.innerWidth(), "the width of the teacher's heads together");
        int usual = heads == own.heads() ? own.keyValueHeads() : heads;
        int keyValueHeads = options.divisor(KEY_VALUE_HEADS, usual, heads, "the heads");
        if (heads == own.heads() && keyValueHeads == own.keyValueHeads()) {
            return own;
        }
        int headDim = Math.toIntExact(own.innerWidth() / heads);
        return new SoftmaxAttention.Config(
                own.width(),
                heads,
                keyValueHeads,
                headDim,
                own.projections(),
                rotary(own, headDim, heads, options),
                scores(own, headDim));
    }

    /** With the teacher's soft-cap and window. A scale of 1/√P follows the width of the heads, any other one is kept. */
    private static AttentionScores scores(SoftmaxAttention.Config own, int headDim) {
        AttentionScores scores = own.scores();
        boolean followsHeads =
                scores.scale() == AttentionScores.ofHeads(own.headDim()).scale();
        return followsHeads
                ? new AttentionScores(AttentionScores.ofHeads(headDim).scale(), scores.softCap(), scores.window())
                : scores;
    }

    /** Rotates the same share of each head. */
    private static RotaryConfig rotary(SoftmaxAttention.Config own, int headDim, int heads, MixerOptions options) {
        RotaryConfig rotary = own.rotary();
        long rotated = (long) rotary.dim() * headDim;
        if (rotated % (2L * own.headDim()) != 0) {
            throw options.wrong(
                    HEADS,
                    "heads of which the teacher's share, " + rotary.dim() + " of " + own.headDim()
                            + " entries, is an even number",
                    heads);
        }
        int dim = Math.toIntExact(rotated / own.headDim());
        if (dim != rotary.dim() && rotary.scaling() instanceof RopeScaling.LongRope) {
            throw options.wrong(
                    HEADS, own.heads() + ", since the teacher's LongRoPE factors fit its own heads only", heads);
        }
        return new RotaryConfig(dim, rotary.theta(), rotary.scaling());
    }

    @Override
    public String coreType() {
        return "modules.mixers.phi_attention";
    }

    @Override
    public MixerConfig read(ConfigNode input, long width) {
        if (input.has("hidden_size") && input.positive("hidden_size") != width) {
            throw input.wrong("hidden_size", "the model's width " + width, input.positive("hidden_size"));
        }
        return PhiAttention.read(input, width);
    }

    @Override
    public Optional<ObjectNode> write(MixerConfig mixer) {
        if (!(mixer instanceof SoftmaxAttention.Config config) || !PhiAttention.describes(config)) {
            return Optional.empty();
        }
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("num_attention_heads", config.heads());
        json.put("num_key_value_heads", config.keyValueHeads());
        json.put("hidden_size", config.width());
        json.put("partial_rotary_factor", (double) config.rotary().dim() / config.headDim());
        RopeFormat.write(json, config.rotary());
        return Optional.of(json);
    }

    @Override
    public String namePrefix() {
        return "self_attn.";
    }
}
