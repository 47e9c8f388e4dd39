package org.mohawk4j.models.phimamba;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Optional;
import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.mixer.SoftmaxAttention;
import org.mohawk4j.models.RopeFormat;
import org.mohawk4j.models.phi.PhiAttention;

/** {@code modules.mixers.phi_attention} of goombalab/phi-mamba: a layer of a hybrid that keeps its attention. */
public final class PhiAttentionFormat implements MixerFormat {
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
