package org.mohawk4j.models.llama;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.mixer.SoftmaxAttention;
import org.mohawk4j.models.ActivationNames;
import org.mohawk4j.models.BlockConfig;
import org.mohawk4j.models.CausalLmConfig;
import org.mohawk4j.models.HeadConfig;
import org.mohawk4j.models.MixerRun;
import org.mohawk4j.models.MlpConfig;
import org.mohawk4j.models.ModelFormat;
import org.mohawk4j.models.NormConfig;
import org.mohawk4j.models.RopeFormat;
import org.mohawk4j.models.SequentialBlock;
import org.mohawk4j.nn.RotaryConfig;
import org.mohawk4j.op.Activation;

/**
 * Students in Llama's blocks as goombalab/mohawk keeps them: {@code ComponentsConfig}, or the components alone, and
 * tensors under {@code backbone.}.
 */
public final class ComponentsFormat implements ModelFormat {
    private static final String ROOT = "ComponentsConfig";
    private static final String MODEL = "MixerModel";
    private static final String BLOCKS = "Blocks";
    private static final String NAME = "name";
    private static final String INPUT = "input";
    private static final String HEAD_CLASS = "LayeredMambaLM";
    private static final String EPSILON = "norm_epsilon";
    private static final String POSITIONS = "max_position_embeddings";
    private static final String MLP_WIDTH = "mlp_intermediate_size";
    private static final String ACTIVATION = "mlp_act_fn";
    private static final String LAYERS = "n_layers";
    private static final long DEFAULT_POSITIONS = 2048;

    /** Models whose blocks are the same; the second differs in its attention. */
    private static final Set<String> MODEL_CLASSES = Set.of("LlamaModel", "Qwen2Model");

    private static final Set<String> BLOCK_CLASSES = Set.of("LlamaBlock", "Qwen2Block");

    @Override
    public String name() {
        return "mohawk";
    }

    @Override
    public boolean accepts(ConfigNode config) {
        return config.has(ROOT) || (config.has(MODEL) && config.has(NAME));
    }

    @Override
    public CausalLmConfig read(ConfigNode config) {
        ConfigNode root = config.has(ROOT) ? config.object(ROOT) : config;
        root.requireIfPresent(NAME, HEAD_CLASS);
        ConfigNode language = root.object(INPUT);
        ConfigNode model = root.object(MODEL);
        requireClass(model, MODEL_CLASSES);
        ConfigNode backbone = model.object(INPUT);
        backbone.requireIfPresent("lm_head_prenorm", "rms");
        long width = backbone.positive("d_model");
        double epsilon = backbone.positiveNumber(EPSILON);
        List<MixerConfig> mixers = new ArrayList<>();
        MlpConfig mlp = null;
        for (ConfigNode block : model.objects(BLOCKS)) {
            MlpConfig own = mlp(block, epsilon);
            if (mlp != null && !mlp.equals(own)) {
                throw block.wrong(INPUT, "the same MLP in all blocks, " + mlp, own);
            }
            mlp = own;
            MixerRun.read(block, LAYERS, ComponentLayer.read(block.object("Layer"), backbone, width), mixers);
        }
        if (mlp == null) {
            throw model.wrong(BLOCKS, "at least one block", "none");
        }
        MixerRun.requireTotal(backbone, "n_layer", mixers.size());
        boolean tied = language.flag("tie_embeddings", false);
        return new CausalLmConfig(
                language.roundedUp("vocab_size", "pad_vocab_size_multiple", 1),
                width,
                backbone.optionalPositive(POSITIONS).orElse(DEFAULT_POSITIONS),
                block(epsilon, mlp),
                new HeadConfig(tied, !tied && language.flag("lm_head_bias", false)),
                mixers);
    }

    private static BlockConfig block(double epsilon, MlpConfig mlp) {
        return new BlockConfig(SequentialBlock.PRE_NORM, new NormConfig(NormConfig.Kind.RMS, epsilon), mlp);
    }

    private static void requireClass(ConfigNode node, Set<String> known) {
        if (!known.contains(node.text(NAME))) {
            throw node.wrong(
                    NAME, "one of " + known.stream().sorted().collect(Collectors.joining(", ")), node.text(NAME));
        }
    }

    private static MlpConfig mlp(ConfigNode block, double epsilon) {
        requireClass(block, BLOCK_CLASSES);
        ConfigNode input = block.object(INPUT);
        if (input.number(EPSILON) != epsilon) {
            throw input.wrong(EPSILON, epsilon + ", as the model has", input.number(EPSILON));
        }
        return new MlpConfig(
                input.positive(MLP_WIDTH), ActivationNames.read(input, ACTIVATION, Activation.SILU), true, false);
    }

    @Override
    public Optional<ObjectNode> write(CausalLmConfig config) {
        Set<RotaryConfig> rotaries = config.mixers().stream()
                .filter(SoftmaxAttention.Config.class::isInstance)
                .map(mixer -> ((SoftmaxAttention.Config) mixer).rotary())
                .collect(Collectors.toSet());
        MlpConfig mlp = config.block().mlp();
        if (!config.block().equals(block(config.block().norm().epsilon(), mlp))
                || !mlp.gated()
                || mlp.activation() == Activation.NONE
                || mlp.bias()
                || config.head().softCap() != 0
                || config.embeddingScale() != 1
                || rotaries.size() > 1) {
            return Optional.empty();
        }
        boolean qwen2 = config.mixers().stream()
                .anyMatch(mixer ->
                        ComponentLayer.of(mixer).filter(ComponentLayer::isQwen2).isPresent());
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        ObjectNode root = json.putObject(ROOT);
        root.put(NAME, HEAD_CLASS);
        ObjectNode language = root.putObject(INPUT);
        language.put("vocab_size", config.vocabulary());
        language.put("tie_embeddings", config.head().tied());
        language.put("pad_vocab_size_multiple", 1);
        language.put("lm_head_bias", config.head().bias());
        ObjectNode model = root.putObject(MODEL);
        model.put(NAME, qwen2 ? "Qwen2Model" : "LlamaModel");
        ObjectNode backbone = model.putObject(INPUT);
        backbone.put("d_model", config.width());
        backbone.put("n_layer", config.layers());
        backbone.put("lm_head_prenorm", "rms");
        backbone.put(EPSILON, config.block().norm().epsilon());
        // the model computes the rotary embedding, without knowing its layers
        rotaries.forEach(rotary -> RopeFormat.write(backbone.put("head_dim", rotary.dim()), rotary));
        backbone.put(POSITIONS, config.maxPositions());
        return writeBlocks(config, qwen2 ? "Qwen2Block" : "LlamaBlock", model.putArray(BLOCKS))
                ? Optional.of(json)
                : Optional.empty();
    }

    /** A section for each run of equal mixers. */
    private static boolean writeBlocks(CausalLmConfig config, String blockClass, ArrayNode blocks) {
        for (MixerRun run : MixerRun.of(config.mixers())) {
            Optional<ComponentLayer> layer = ComponentLayer.of(run.mixer());
            if (layer.isEmpty()) {
                return false;
            }
            ObjectNode block = blocks.addObject();
            block.put(NAME, blockClass);
            block.put(LAYERS, run.layers());
            block.putObject(INPUT)
                    .put("resid_dropout", 0.0)
                    .put(MLP_WIDTH, config.block().mlp().width())
                    .put(ACTIVATION, ActivationNames.of(config.block().mlp().activation()))
                    .put(EPSILON, config.block().norm().epsilon());
            block.putObject("Layer")
                    .put(NAME, layer.get().name())
                    .set(INPUT, layer.get().input());
        }
        return true;
    }

    @Override
    public String fileName(CausalLmConfig config, String parameter) {
        if (parameter.startsWith("lm_head.")) {
            return parameter;
        }
        int mixer = parameter.indexOf(".mixer.");
        if (mixer < 0) {
            return "backbone." + parameter;
        }
        int at = mixer + ".mixer.".length();
        int layer = Integer.parseInt(parameter.substring("layers.".length(), mixer));
        String own = parameter.substring(at);
        return "backbone."
                + parameter.substring(0, at)
                + ComponentLayer.of(config.mixers().get(layer))
                        .map(component -> component.fileName(own))
                        .orElse(own);
    }
}
