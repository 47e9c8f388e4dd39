package org.mohawk4j.models.phimamba;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Optional;
import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.mixer.CausalLinearAttention;
import org.mohawk4j.mixer.MixerConfig;

/** {@link CausalLinearAttention}, which goombalab's code does not have. */
public final class CausalLinearAttentionFormat implements MixerFormat {
    @Override
    public String coreType() {
        return "org.mohawk4j.causal_linear_attention";
    }

    @Override
    public MixerConfig read(ConfigNode input, long width) {
        long inner = input.optionalPositive("d_inner").orElse(width);
        return new CausalLinearAttention.Config(
                width,
                inner,
                input.divisor("n_heads", inner, "the width of all heads together, " + inner),
                input.positiveInt("d_state"),
                input.positiveInt("chunk_size"));
    }

    @Override
    public Optional<ObjectNode> write(MixerConfig mixer) {
        if (!(mixer instanceof CausalLinearAttention.Config config)) {
            return Optional.empty();
        }
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        if (config.innerWidth() != config.width()) {
            json.put("d_inner", config.innerWidth());
        }
        json.put("n_heads", config.heads());
        json.put("d_state", config.stateSize());
        json.put("chunk_size", config.chunk());
        return Optional.of(json);
    }
}
