package org.mohawk4j.models.llamba;

import static org.mohawk4j.models.mixer.DiscreteMamba2Keys.GOOMBALAB;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.models.ActivationNames;
import org.mohawk4j.models.BlockConfig;
import org.mohawk4j.models.CausalLmConfig;
import org.mohawk4j.models.HeadConfig;
import org.mohawk4j.models.MlpConfig;
import org.mohawk4j.models.ModelFormat;
import org.mohawk4j.models.NormConfig;
import org.mohawk4j.models.SequentialBlock;
import org.mohawk4j.op.Activation;

/**
 * Llamba as cartesia-ai/edge keeps it: Llama's blocks, each with the same discrete Mamba-2 mixer. There are no hybrids,
 * and the norms of its blocks have an epsilon of 1e-5 that no key changes.
 */
public final class LlambaFormat implements ModelFormat {
    private static final String TYPE = "llamba";
    private static final String EPSILON = "norm_epsilon";
    private static final String POSITIONS = "max_position_embeddings";
    private static final String EXPAND = "expand";
    private static final double ONLY_EPSILON = 1e-5;
    private static final long DEFAULT_POSITIONS = 2048;

    @Override
    public String name() {
        return TYPE;
    }

    @Override
    public boolean accepts(ConfigNode config) {
        return config.has("model_type") && config.text("model_type").equals(TYPE);
    }

    /** Where a key is absent, with the defaults of Llamba's own configuration. */
    @Override
    public CausalLmConfig read(ConfigNode config) {
        config.requireIfPresent("lm_head_prenorm", "rms");
        if (config.has(EPSILON) && config.number(EPSILON) != ONLY_EPSILON) {
            throw config.wrong(EPSILON, ONLY_EPSILON + ", as in the blocks", config.number(EPSILON));
        }
        long width = config.positive("d_model");
        boolean tied = config.flag("tie_embeddings", false);
        ConfigNode mlp = config.object("mlp_cfg");
        int layers = config.has("n_layer") ? config.between("n_layer", 1, CausalLmConfig.MAX_LAYERS) : 32;
        return new CausalLmConfig(
                config.roundedUp("vocab_size", "pad_vocab_size_multiple", 8),
                width,
                config.optionalPositive(POSITIONS).orElse(DEFAULT_POSITIONS),
                block(new MlpConfig(
                        mlp.positive("intermediate_size"),
                        ActivationNames.read(mlp, "act_fn", Activation.SILU),
                        true,
                        mlp.flag("bias", false))),
                new HeadConfig(tied, !tied && config.flag("lm_head_bias", false)),
                Collections.nCopies(layers, mixer(config.object("ssm_cfg"), width)));
    }

    private static BlockConfig block(MlpConfig mlp) {
        return new BlockConfig(SequentialBlock.PRE_NORM, new NormConfig(NormConfig.Kind.RMS, ONLY_EPSILON), mlp);
    }

    private static DiscreteMamba2.Config mixer(ConfigNode input, long width) {
        input.requireIfPresent("activation", "identity");
        input.requireIfPresent("bias", false);
        input.requireIfPresent("conv_bias", true);
        long inner = width * input.optionalPositive(EXPAND).orElse(1);
        List.of(GOOMBALAB.heads(), GOOMBALAB.groups()).forEach(input::positiveInt);
        return GOOMBALAB.read(input, width, inner);
    }

    /** What keeps a model from being a Llamba, in words; empty if it is one. */
    public static Optional<String> obstacle(CausalLmConfig config) {
        BlockConfig block = config.block();
        if (!block.form().equals(SequentialBlock.PRE_NORM) || block.norm().kind() != NormConfig.Kind.RMS) {
            return Optional.of("its blocks are not Llama's, with RMS norms before mixer and MLP");
        }
        if (block.norm().epsilon() != ONLY_EPSILON) {
            return Optional.of(
                    "its norms have epsilon " + block.norm().epsilon() + ", Llamba's blocks only " + ONLY_EPSILON);
        }
        if (config.embeddingScale() != 1 || config.head().softCap() != 0) {
            return Optional.of("its embedding is scaled or its logits have a soft-cap");
        }
        if (!block.mlp().gated()) {
            return Optional.of("its MLP has no gate");
        }
        if (new HashSet<>(config.mixers()).size() != 1) {
            return Optional.of("its layers have different mixers");
        }
        if (!(config.mixers().get(0) instanceof DiscreteMamba2.Config mamba)) {
            return Optional.of("its mixers are not discrete Mamba-2");
        }
        if (mamba.innerWidth() % config.width() != 0) {
            return Optional.of(
                    "its mixers' inner width " + mamba.innerWidth() + " is no multiple of the width " + config.width());
        }
        return Optional.empty();
    }

    @Override
    public Optional<ObjectNode> write(CausalLmConfig config) {
        if (obstacle(config).isPresent()) {
            return Optional.empty();
        }
        MlpConfig mlp = config.block().mlp();
        DiscreteMamba2.Config mamba = (DiscreteMamba2.Config) config.mixers().get(0);
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("model_type", TYPE);
        json.putArray("architectures").add("LlambaLMHeadModel");
        json.put("vocab_size", config.vocabulary());
        json.put("pad_vocab_size_multiple", 1);
        json.put("tie_embeddings", config.head().tied());
        json.put("lm_head_bias", config.head().bias());
        json.put("lm_head_prenorm", "rms");
        json.put("d_model", config.width());
        json.put("n_layer", config.layers());
        json.put("resid_dropout", 0.0);
        json.put(EPSILON, ONLY_EPSILON);
        json.put(POSITIONS, config.maxPositions());
        json.putObject("mlp_cfg")
                .put("intermediate_size", mlp.width())
                .put("bias", mlp.bias())
                .put("act_fn", ActivationNames.of(mlp.activation()));
        GOOMBALAB
                .write(json.putObject("ssm_cfg"), mamba)
                .put("conv_bias", true)
                .put(EXPAND, mamba.innerWidth() / config.width())
                .put("activation", "identity")
                .put("bias", false);
        return Optional.of(json);
    }

    @Override
    public String fileName(CausalLmConfig config, String parameter) {
        return parameter.startsWith("lm_head.") ? parameter : "backbone." + parameter;
    }
}
