package org.mohawk4j.models.phimamba;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.models.CausalLmConfig;
import org.mohawk4j.models.MixerRun;
import org.mohawk4j.models.ModelFormat;
import org.mohawk4j.models.mixer.MixerFormat;
import org.mohawk4j.models.mixer.MixerFormats;
import org.mohawk4j.models.phi.PhiFormat;
import org.mohawk4j.op.Activation;

/**
 * Students as goombalab/phi-mamba keeps them: a section per run of equal blocks, tensors under {@code backbone.}. The
 * width of the MLP, the epsilon and the positions stand there only if they are not 4·D, 1e-5 and 2048.
 */
public final class PhiMambaFormat implements ModelFormat {
    private static final String BLOCK_TYPE = "modules.phi_block";
    private static final String MLP_WIDTH = "intermediate_size";
    private static final String EPSILON = "layer_norm_eps";
    private static final String POSITIONS = "max_position_embeddings";
    private static final double DEFAULT_EPSILON = 1e-5;
    private static final long DEFAULT_POSITIONS = 2048;

    @Override
    public String name() {
        return "phi-mamba";
    }

    @Override
    public boolean accepts(ConfigNode config) {
        return config.has("LanguageModel") && config.has("MixerModel");
    }

    @Override
    public CausalLmConfig read(ConfigNode config) {
        ConfigNode language = config.object("LanguageModel").object("input");
        ConfigNode backbone = config.object("MixerModel").object("input");
        long width = backbone.positive("d_model");
        backbone.requireIfPresent("lm_head_prenorm", "layer");
        List<MixerConfig> mixers = new ArrayList<>();
        for (String key : config.keys()) {
            if (key.startsWith("Block")) {
                ConfigNode block = config.object(key);
                MixerRun.read(block, "n_layers", readMixer(block, width), mixers);
            }
        }
        MixerRun.requireTotal(backbone, "n_layer", mixers.size());
        return new CausalLmConfig(
                language.roundedUp("vocab_size", "pad_vocab_size_multiple", 1),
                width,
                backbone.optionalPositive(MLP_WIDTH).orElse(4 * width),
                Activation.GELU_TANH,
                backbone.has(EPSILON) ? backbone.positiveNumber(EPSILON) : DEFAULT_EPSILON,
                backbone.optionalPositive(POSITIONS).orElse(DEFAULT_POSITIONS),
                mixers);
    }

    private static MixerConfig readMixer(ConfigNode block, long width) {
        block.requireIfPresent("BlockType", BLOCK_TYPE);
        String coreType = block.text("CoreType");
        List<MixerFormat> mixerFormats = MixerFormats.all();
        MixerFormat format = mixerFormats.stream()
                .filter(candidate -> candidate.coreType().equals(coreType))
                .findFirst()
                .orElseThrow(() -> block.wrong(
                        "CoreType",
                        "one of "
                                + mixerFormats.stream()
                                        .map(MixerFormat::coreType)
                                        .collect(Collectors.joining(", ")),
                        coreType));
        return format.read(block.object("core_input"), width);
    }

    @Override
    public Optional<ObjectNode> write(CausalLmConfig config) {
        if (!PhiFormat.isPhi(config)) {
            return Optional.empty();
        }
        JsonNodeFactory nodes = JsonNodeFactory.instance;
        ObjectNode json = nodes.objectNode();
        ObjectNode language = json.putObject("LanguageModel").putObject("input");
        language.put("vocab_size", config.vocabulary());
        language.put("pad_vocab_size_multiple", 1);
        ObjectNode backbone = json.putObject("MixerModel").putObject("input");
        backbone.put("d_model", config.width());
        backbone.put("n_layer", config.layers());
        backbone.put("lm_head_prenorm", "layer");
        if (config.block().mlp().width() != 4 * config.width()) {
            backbone.put(MLP_WIDTH, config.block().mlp().width());
        }
        if (config.block().norm().epsilon() != DEFAULT_EPSILON) {
            backbone.put(EPSILON, config.block().norm().epsilon());
        }
        if (config.maxPositions() != DEFAULT_POSITIONS) {
            backbone.put(POSITIONS, config.maxPositions());
        }
        int section = 1;
        for (MixerRun run : MixerRun.of(config.mixers())) {
            Optional<MixerFormats.Written> written = MixerFormats.write(run.mixer());
            if (written.isEmpty()) {
                return Optional.empty();
            }
            ObjectNode block = json.putObject("Block" + section++);
            block.put("n_layers", run.layers());
            block.put("BlockType", BLOCK_TYPE);
            block.putObject("block_input").put("resid_dropout", 0.0);
            block.put("CoreType", written.get().format().coreType());
            block.set("core_input", written.get().json());
        }
        return Optional.of(json);
    }

    @Override
    public String fileName(CausalLmConfig config, String parameter) {
        if (parameter.startsWith("lm_head.")) {
            return parameter;
        }
        String name = parameter;
        int mixer = parameter.indexOf(".mixer.");
        if (mixer >= 0) {
            int layer = Integer.parseInt(parameter.substring("layers.".length(), mixer));
            String prefix = MixerFormats.write(config.mixers().get(layer))
                    .map(written -> written.format().namePrefix())
                    .orElse("");
            int at = mixer + ".mixer.".length();
            name = parameter.substring(0, at) + prefix + parameter.substring(at);
        }
        return "backbone." + name;
    }
}
