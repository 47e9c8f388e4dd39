package org.mohawk4j.models.phi;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.mixer.SoftmaxAttention;
import org.mohawk4j.models.CausalLmConfig;
import org.mohawk4j.models.ModelFormat;
import org.mohawk4j.models.RopeFormat;
import org.mohawk4j.op.Activation;

/** {@code PhiForCausalLM} of Hugging Face transformers: Phi-1, Phi-1.5 and Phi-2. */
public final class PhiFormat implements ModelFormat {
    private static final String EPSILON = "layer_norm_eps";
    private static final double DEFAULT_EPSILON = 1e-5;
    private static final long DEFAULT_POSITIONS = 2048;

    @Override
    public String name() {
        return "phi";
    }

    @Override
    public boolean accepts(ConfigNode config) {
        return config.has("model_type") && config.text("model_type").equals("phi");
    }

    @Override
    public CausalLmConfig read(ConfigNode config) {
        config.requireIfPresent("hidden_act", "gelu_new");
        config.requireIfPresent("tie_word_embeddings", false);
        config.requireIfPresent("qk_layernorm", false);
        long width = config.positive("hidden_size");
        MixerConfig attention = PhiAttention.read(config, width);
        return new CausalLmConfig(
                config.positive("vocab_size"),
                width,
                config.optionalPositive("intermediate_size").orElse(4 * width),
                Activation.GELU_TANH,
                config.has(EPSILON) ? config.positiveNumber(EPSILON) : DEFAULT_EPSILON,
                config.optionalPositive("max_position_embeddings").orElse(DEFAULT_POSITIONS),
                Collections.nCopies(config.between("num_hidden_layers", 1, CausalLmConfig.MAX_LAYERS), attention));
    }

    @Override
    public Optional<ObjectNode> write(CausalLmConfig config) {
        List<MixerConfig> mixers = config.mixers();
        if (new HashSet<>(mixers).size() != 1
                || !(mixers.get(0) instanceof SoftmaxAttention.Config attention)
                || !PhiAttention.describes(attention)
                || !isPhi(config)) {
            return Optional.empty();
        }
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("model_type", "phi");
        json.putArray("architectures").add("PhiForCausalLM");
        json.put("vocab_size", config.vocabulary());
        json.put("hidden_size", config.width());
        json.put("intermediate_size", config.block().mlp().width());
        json.put("num_hidden_layers", config.layers());
        json.put("num_attention_heads", attention.heads());
        json.put("num_key_value_heads", attention.keyValueHeads());
        json.put("hidden_act", "gelu_new");
        json.put("max_position_embeddings", config.maxPositions());
        json.put("partial_rotary_factor", (double) attention.rotary().dim() / attention.headDim());
        RopeFormat.write(json, attention.rotary());
        json.put(EPSILON, config.block().norm().epsilon());
        json.put("tie_word_embeddings", false);
        json.put("qk_layernorm", false);
        return Optional.of(json);
    }

    /** Whether everything but the mixers is as in Phi. */
    public static boolean isPhi(CausalLmConfig config) {
        return config.equals(new CausalLmConfig(
                config.vocabulary(),
                config.width(),
                config.block().mlp().width(),
                Activation.GELU_TANH,
                config.block().norm().epsilon(),
                config.maxPositions(),
                config.mixers()));
    }

    @Override
    public String fileName(CausalLmConfig config, String parameter) {
        if (parameter.startsWith("lm_head.")) {
            return parameter;
        }
        return "model." + parameter.replace("embedding.", "embed_tokens.").replace(".mixer.", ".self_attn.");
    }

    /** Old checkpoints carry the rotation frequencies. */
    @Override
    public boolean isRedundant(String fileName) {
        return fileName.endsWith(".rotary_emb.inv_freq");
    }
}
