package org.mohawk4j.models.student;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.models.ActivationNames;
import org.mohawk4j.models.BlockConfig;
import org.mohawk4j.models.BlockForm;
import org.mohawk4j.models.CausalLmConfig;
import org.mohawk4j.models.HeadConfig;
import org.mohawk4j.models.MlpConfig;
import org.mohawk4j.models.ModelFormat;
import org.mohawk4j.models.NormConfig;
import org.mohawk4j.models.ParallelBlock;
import org.mohawk4j.models.SequentialBlock;
import org.mohawk4j.op.Activation;

/**
 * Our own form, for students in blocks that no other form has, such as Gemma's and OLMo's: {@code config.json} says all that
 * the model computes, whatever family it comes from, and tensors have the model's own names behind {@code backbone.}. See
 * {@code docs/file-formats.md}.
 */
public final class StudentFormat implements ModelFormat {
    private static final String MODEL_TYPE = "mohawk4j";
    private static final String VOCABULARY = "vocab_size";
    private static final String WIDTH = "hidden_size";
    private static final String POSITIONS = "max_position_embeddings";
    private static final String EMBEDDING_SCALE = "embedding_scale";
    private static final String BLOCK = "block";
    private static final String FORM = "form";
    private static final String NORM = "norm";
    private static final String EPSILON = "norm_epsilon";
    private static final String MLP = "mlp";
    private static final String MLP_WIDTH = "intermediate_size";
    private static final String ACTIVATION = "hidden_act";
    private static final String GATED = "gated";
    private static final String BIAS = "bias";
    private static final String HEAD = "head";
    private static final String TIED = "tied";
    private static final String SOFT_CAP = "soft_cap";
    private static final String LAYERS = "layers";
    private static final String COUNT = "n_layers";

    private static final Map<String, BlockForm> FORMS = new TreeMap<>(Map.of(
            "parallel", ParallelBlock.FORM,
            "pre_norm", SequentialBlock.PRE_NORM,
            "post_norm", SequentialBlock.POST_NORM,
            "sandwich_norm", SequentialBlock.SANDWICH_NORM));

    @Override
    public String name() {
        return MODEL_TYPE;
    }

    @Override
    public boolean accepts(ConfigNode config) {
        return config.has("model_type") && config.text("model_type").equals(MODEL_TYPE);
    }

    @Override
    public CausalLmConfig read(ConfigNode config) {
        long width = config.positive(WIDTH);
        ConfigNode block = config.object(BLOCK);
        ConfigNode mlp = config.object(MLP);
        ConfigNode head = config.object(HEAD);
        BlockForm form = FORMS.get(block.text(FORM));
        if (form == null) {
            throw block.wrong(FORM, "one of " + FORMS.keySet(), block.text(FORM));
        }
        boolean tied = head.flag(TIED, false);
        if (tied && head.flag(BIAS, false)) {
            throw head.wrong(BIAS, "false, since the head is the embedding", true);
        }
        return new CausalLmConfig(
                config.positive(VOCABULARY),
                width,
                config.positive(POSITIONS),
                config.optionalNumber(EMBEDDING_SCALE).orElse(1),
                new BlockConfig(
                        form,
                        new NormConfig(norm(block), block.number(EPSILON)),
                        new MlpConfig(
                                mlp.positive(MLP_WIDTH),
                                ActivationNames.read(mlp, ACTIVATION, Activation.SILU),
                                mlp.flag(GATED, true),
                                mlp.flag(BIAS, false))),
                new HeadConfig(
                        tied,
                        head.flag(BIAS, false),
                        head.optionalNumber(SOFT_CAP).orElse(0)),
                mixers(config, width));
    }

    private static NormConfig.Kind norm(ConfigNode block) {
        for (NormConfig.Kind kind : NormConfig.Kind.values()) {
            if (name(kind).equals(block.text(NORM))) {
                return kind;
            }
        }
        throw block.wrong(NORM, "one of layer, rms, rms_unit_offset", block.text(NORM));
    }

    private static String name(NormConfig.Kind kind) {
        return kind.name().toLowerCase(Locale.ROOT);
    }

    private static List<MixerConfig> mixers(ConfigNode config, long width) {
        List<MixerConfig> mixers = new ArrayList<>();
        for (ConfigNode layer : config.objects(LAYERS)) {
            MixerConfig mixer = StudentMixer.read(layer, width);
            int count = layer.between(COUNT, 1, CausalLmConfig.MAX_LAYERS);
            if (mixers.size() + count > CausalLmConfig.MAX_LAYERS) {
                throw layer.wrong(COUNT, "at most " + CausalLmConfig.MAX_LAYERS + " layers in all", count);
            }
            for (int i = 0; i < count; i++) {
                mixers.add(mixer);
            }
        }
        if (mixers.isEmpty()) {
            throw config.wrong(LAYERS, "at least one", "none");
        }
        return mixers;
    }

    @Override
    public Optional<ObjectNode> write(CausalLmConfig config) {
        Optional<String> form = FORMS.entrySet().stream()
                .filter(entry -> entry.getValue().equals(config.block().form()))
                .map(Map.Entry::getKey)
                .findFirst();
        MlpConfig ofMlp = config.block().mlp();
        if (form.isEmpty() || ofMlp.activation() == Activation.NONE) {
            return Optional.empty();
        }
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("model_type", MODEL_TYPE);
        json.put(VOCABULARY, config.vocabulary());
        json.put(WIDTH, config.width());
        json.put(POSITIONS, config.maxPositions());
        json.put(EMBEDDING_SCALE, config.embeddingScale());
        json.putObject(BLOCK)
                .put(FORM, form.get())
                .put(NORM, name(config.block().norm().kind()))
                .put(EPSILON, config.block().norm().epsilon());
        json.putObject(MLP)
                .put(MLP_WIDTH, ofMlp.width())
                .put(ACTIVATION, ActivationNames.of(ofMlp.activation()))
                .put(GATED, ofMlp.gated())
                .put(BIAS, ofMlp.bias());
        json.putObject(HEAD)
                .put(TIED, config.head().tied())
                .put(BIAS, config.head().bias())
                .put(SOFT_CAP, config.head().softCap());
        return writeMixers(config.mixers(), json.putArray(LAYERS)) ? Optional.of(json) : Optional.empty();
    }

    /** A section for each run of equal mixers. */
    private static boolean writeMixers(List<MixerConfig> mixers, ArrayNode layers) {
        int from = 0;
        for (int to = 1; to <= mixers.size(); to++) {
            if (to < mixers.size() && mixers.get(to).equals(mixers.get(from))) {
                continue;
            }
            Optional<ObjectNode> layer = StudentMixer.write(mixers.get(from));
            if (layer.isEmpty()) {
                return false;
            }
            layers.add(layer.get().put(COUNT, to - from));
            from = to;
        }
        return true;
    }

    @Override
    public String fileName(CausalLmConfig config, String parameter) {
        return parameter.startsWith("lm_head.") ? parameter : "backbone." + parameter;
    }
}
