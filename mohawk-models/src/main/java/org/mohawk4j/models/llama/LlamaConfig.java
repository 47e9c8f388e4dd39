package org.mohawk4j.models.llama;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Collections;
import java.util.HashSet;
import java.util.Optional;
import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.mixer.SoftmaxAttention;
import org.mohawk4j.models.ActivationNames;
import org.mohawk4j.models.BlockConfig;
import org.mohawk4j.models.CausalLmConfig;
import org.mohawk4j.models.HeadConfig;
import org.mohawk4j.models.MlpConfig;
import org.mohawk4j.models.NormConfig;
import org.mohawk4j.models.SequentialBlock;
import org.mohawk4j.op.Activation;

/**
 * What a Llama's {@code config.json} says, with transformers' defaults: sequential blocks with RMS norms before mixer and
 * MLP, a gated MLP, attention with rotary embedding on whole heads, a head that may be the embedding.
 */
final class LlamaConfig {
    private static final String MLP_BIAS = "mlp_bias";
    private static final String TIED = "tie_word_embeddings";
    private static final double DEFAULT_EPSILON = 1e-6;
    private static final long DEFAULT_POSITIONS = 2048;

    private LlamaConfig() {}

    static CausalLmConfig read(ConfigNode config) {
        long width = config.positive("hidden_size");
        MixerConfig attention = LlamaAttention.read(config, config, width);
        return new CausalLmConfig(
                config.positive("vocab_size"),
                width,
                config.optionalPositive("max_position_embeddings").orElse(DEFAULT_POSITIONS),
                block(
                        config.optionalNumber("rms_norm_eps").orElse(DEFAULT_EPSILON),
                        new MlpConfig(
                                config.positive("intermediate_size"),
                                ActivationNames.read(config, "hidden_act", Activation.SILU),
                                true,
                                config.flag(MLP_BIAS, false))),
                new HeadConfig(config.flag(TIED, false), false),
                Collections.nCopies(config.between("num_hidden_layers", 1, CausalLmConfig.MAX_LAYERS), attention));
    }

    static BlockConfig block(double epsilon, MlpConfig mlp) {
        return new BlockConfig(SequentialBlock.PRE_NORM, new NormConfig(NormConfig.Kind.RMS, epsilon), mlp);
    }

    /** Whether everything but the mixers is as in Llama. */
    static boolean describes(CausalLmConfig config) {
        MlpConfig mlp = config.block().mlp();
        return config.block().equals(block(config.block().norm().epsilon(), mlp))
                && mlp.gated()
                && mlp.activation() != Activation.NONE;
    }

    /** The inverse of {@link #read}; empty for what is no Llama. */
    static Optional<ObjectNode> write(CausalLmConfig config) {
        if (!describes(config)
                || config.head().bias()
                || new HashSet<>(config.mixers()).size() != 1
                || !(config.mixers().get(0) instanceof SoftmaxAttention.Config attention)
                || !LlamaAttention.describes(attention)) {
            return Optional.empty();
        }
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("model_type", LlamaFormat.MODEL_TYPE);
        json.putArray("architectures").add("LlamaForCausalLM");
        json.put("vocab_size", config.vocabulary());
        json.put("hidden_size", config.width());
        json.put("intermediate_size", config.block().mlp().width());
        json.put("num_hidden_layers", config.layers());
        json.put("hidden_act", ActivationNames.of(config.block().mlp().activation()));
        json.put("max_position_embeddings", config.maxPositions());
        json.put("rms_norm_eps", config.block().norm().epsilon());
        json.put(TIED, config.head().tied());
        json.put(MLP_BIAS, config.block().mlp().bias());
        LlamaAttention.write(json, attention);
        return Optional.of(json);
    }
}
