package org.mohawk4j.models.phimamba;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Optional;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.mixer.SoftmaxAttention;
import org.mohawk4j.models.ConfigNode;

/** {@code modules.mixers.phi_attention} of goombalab/phi-mamba: a layer of a hybrid that keeps its attention. */
public final class PhiAttentionFormat implements MixerFormat {
    private static final double DEFAULT_ROTARY_FRACTION = 0.5;
    private static final double DEFAULT_ROPE_THETA = 10_000;

    @Override
    public String coreType() {
        return "modules.mixers.phi_attention";
    }

    @Override
    public MixerConfig read(ConfigNode input, long width) {
        if (input.has("hidden_size") && input.positive("hidden_size") != width) {
            throw input.wrong("hidden_size", "the model's width " + width, input.positive("hidden_size"));
        }
        int heads = input.positiveInt("num_attention_heads");
        if (width % heads != 0) {
            throw input.wrong("num_attention_heads", "a divisor of the model's width " + width, heads);
        }
        int keyValueHeads = input.has("num_key_value_heads") ? input.positiveInt("num_key_value_heads") : heads;
        if (heads % keyValueHeads != 0) {
            throw input.wrong("num_key_value_heads", "a divisor of num_attention_heads " + heads, keyValueHeads);
        }
        double fraction = input.optionalNumber("partial_rotary_factor").orElse(DEFAULT_ROTARY_FRACTION);
        long headDim = width / heads;
        int rotaryDim = (int) (fraction * headDim);
        if (rotaryDim % 2 != 0 || fraction > 1) {
            throw input.wrong("partial_rotary_factor", "an even share of " + headDim + " entries", fraction);
        }
        return new SoftmaxAttention.Config(
                width,
                heads,
                keyValueHeads,
                rotaryDim,
                input.optionalNumber("rope_theta").orElse(DEFAULT_ROPE_THETA));
    }

    @Override
    public Optional<ObjectNode> write(MixerConfig mixer) {
        if (!(mixer instanceof SoftmaxAttention.Config config)) {
            return Optional.empty();
        }
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("num_attention_heads", config.heads());
        json.put("num_key_value_heads", config.keyValueHeads());
        json.put("hidden_size", config.width());
        json.put("partial_rotary_factor", (double) config.rotaryDim() / config.headDim());
        json.put("rope_theta", config.ropeTheta());
        return Optional.of(json);
    }

    @Override
    public String namePrefix() {
        return "self_attn.";
    }
}
