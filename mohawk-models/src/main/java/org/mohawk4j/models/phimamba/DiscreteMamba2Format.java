package org.mohawk4j.models.phimamba;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Optional;
import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.mixer.MixerConfig;

/** {@code modules.mixers.discrete_mamba2} of goombalab/phi-mamba. */
public final class DiscreteMamba2Format implements MixerFormat {
    private static final int DEFAULT_CHUNK = 128;

    @Override
    public String coreType() {
        return "modules.mixers.discrete_mamba2";
    }

    @Override
    public MixerConfig read(ConfigNode input, long width) {
        input.requireIfPresent("expand", 1);
        input.requireIfPresent("bias", false);
        input.requireIfPresent("conv_bias", true);
        input.requireIfPresent("activation", "identity");
        int heads = input.divisor("n_v_heads", width, "the model's width " + width);
        int groups = input.divisor("n_qk_heads", heads, "n_v_heads " + heads);
        int chunk = input.has("chunk_size") ? input.positiveInt("chunk_size") : DEFAULT_CHUNK;
        return new DiscreteMamba2.Config(
                width,
                heads,
                groups,
                input.positiveInt("d_state"),
                input.between("d_conv", 2, Integer.MAX_VALUE),
                chunk);
    }

    @Override
    public Optional<ObjectNode> write(MixerConfig mixer) {
        if (!(mixer instanceof DiscreteMamba2.Config config) || config.innerWidth() != config.width()) {
            return Optional.empty();
        }
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("d_state", config.stateSize());
        json.put("n_v_heads", config.heads());
        json.put("n_qk_heads", config.groups());
        json.put("d_conv", config.convWidth());
        json.put("conv_bias", true);
        json.put("expand", 1);
        json.put("chunk_size", config.chunk());
        json.put("activation", "identity");
        json.put("bias", false);
        return Optional.of(json);
    }
}
