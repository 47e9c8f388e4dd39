package com.example.teacher;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Collections;
import java.util.Optional;
import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.models.BlockConfig;
import org.mohawk4j.models.CausalLmConfig;
import org.mohawk4j.models.HeadConfig;
import org.mohawk4j.models.MlpConfig;
import org.mohawk4j.models.ModelFormat;
import org.mohawk4j.models.NormConfig;
import org.mohawk4j.models.SequentialBlock;
import org.mohawk4j.op.Activation;

/** Teachers with {@link AlibiAttention}: pre-norm blocks with layer norms, an MLP with gelu, a tied head. */
public final class AlibiFormat implements ModelFormat {
    @Override
    public String name() {
        return "alibi";
    }

    @Override
    public boolean accepts(ConfigNode config) {
        return config.has("model_type") && config.text("model_type").equals(name());
    }

    @Override
    public CausalLmConfig read(ConfigNode config) {
        config.requireIfPresent("act", "gelu");
        long width = config.positive("dim");
        var attention = new AlibiAttention.Config(width, config.positiveInt("heads"), config.positiveInt("head_dim"));
        NormConfig norm = new NormConfig(NormConfig.Kind.LAYER, config.positiveNumber("norm_eps"));
        MlpConfig mlp = new MlpConfig(config.positive("ffn_dim"), Activation.GELU_TANH, false, true);
        return new CausalLmConfig(
                config.positive("vocabulary"),
                width,
                config.positive("positions"),
                new BlockConfig(SequentialBlock.PRE_NORM, norm, mlp),
                new HeadConfig(true, false),
                Collections.nCopies(config.between("depth", 1, CausalLmConfig.MAX_LAYERS), attention));
    }

    @Override
    public Optional<ObjectNode> write(CausalLmConfig config) {
        if (!(config.mixers().get(0) instanceof AlibiAttention.Config attention)) {
            return Optional.empty();
        }
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("model_type", name()).put("act", "gelu");
        json.put("vocabulary", config.vocabulary()).put("positions", config.maxPositions());
        json.put("dim", config.width()).put("depth", config.layers());
        json.put("heads", attention.heads()).put("head_dim", attention.headDim());
        json.put("ffn_dim", config.block().mlp().width());
        json.put("norm_eps", config.block().norm().epsilon());
        return read(ConfigNode.of("what is written", json)).equals(config) ? Optional.of(json) : Optional.empty();
    }

    @Override
    public String fileName(CausalLmConfig config, String parameter) {
        return parameter
                .replace("embedding.", "tokens.")
                .replace("layers.", "stack.")
                .replace(".input_layernorm.", ".norm_1.")
                .replace(".post_attention_layernorm.", ".norm_2.")
                .replace(".mixer.", ".alibi.");
    }
}
