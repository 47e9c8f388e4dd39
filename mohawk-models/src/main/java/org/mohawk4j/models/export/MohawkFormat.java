package org.mohawk4j.models.export;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.models.ActivationNames;
import org.mohawk4j.models.BlockConfig;
import org.mohawk4j.models.BlockForm;
import org.mohawk4j.models.CausalLmConfig;
import org.mohawk4j.models.HeadConfig;
import org.mohawk4j.models.MixerRun;
import org.mohawk4j.models.MlpConfig;
import org.mohawk4j.models.ModelFormat;
import org.mohawk4j.models.NormConfig;
import org.mohawk4j.models.ParallelBlock;
import org.mohawk4j.models.SequentialBlock;
import org.mohawk4j.op.Activation;

/**
 * A folder that Hugging Face transformers opens with {@code trust_remote_code}: any model whose mixers are our own, with
 * the Python classes that compute it. Tensors have our parameters' names, under {@code model.} except for the head's.
 */
public final class MohawkFormat implements ModelFormat {
    private static final String TYPE = "mohawk";
    private static final String CONFIGURATION = "configuration_mohawk";
    private static final String MODELING = "modeling_mohawk";
    private static final String NORM = "norm";
    private static final String KIND = "kind";
    private static final String MLP = "mlp";
    private static final String ACTIVATION = "activation";
    private static final String RUNS = "runs";
    private static final String COUNT = "count";
    private static final String BLOCK = "block";
    private static final String SCALE = "embedding_scale";
    private static final String LOGIT_CAP = "logit_soft_cap";
    private static final String TIED = "tie_word_embeddings";

    private static final Map<String, BlockForm> BLOCKS = new TreeMap<>(Map.of(
            "parallel", ParallelBlock.FORM,
            "pre_norm", SequentialBlock.PRE_NORM,
            "post_norm", SequentialBlock.POST_NORM,
            "sandwich_norm", SequentialBlock.SANDWICH_NORM));

    @Override
    public String name() {
        return "mohawk4j";
    }

    @Override
    public boolean accepts(ConfigNode config) {
        return config.has("model_type") && config.text("model_type").equals(TYPE);
    }

    @Override
    public CausalLmConfig read(ConfigNode config) {
        long width = config.positive("hidden_size");
        boolean tied = config.flag(TIED, false);
        List<MixerConfig> mixers = new ArrayList<>();
        for (ConfigNode run : config.objects(RUNS)) {
            MixerRun.read(run, COUNT, MixerJson.read(run, width), mixers);
        }
        if (mixers.isEmpty()) {
            throw config.wrong(RUNS, "at least one layer", "none");
        }
        return new CausalLmConfig(
                config.positive("vocab_size"),
                width,
                config.positive("max_position_embeddings"),
                embeddingScale(config),
                new BlockConfig(block(config), norm(config.object(NORM)), mlp(config.object(MLP))),
                new HeadConfig(
                        tied,
                        !tied && config.flag("lm_head_bias", false),
                        config.optionalNumber(LOGIT_CAP).orElse(0)),
                mixers);
    }

    private static double embeddingScale(ConfigNode config) {
        double scale = config.optionalNumber(SCALE).orElse(1);
        if (scale <= 0) {
            throw config.wrong(SCALE, "a number above 0", scale);
        }
        return scale;
    }

    private static BlockForm block(ConfigNode config) {
        BlockForm form = BLOCKS.get(config.text(BLOCK));
        if (form == null) {
            throw config.wrong(BLOCK, "one of " + BLOCKS.keySet(), config.text(BLOCK));
        }
        return form;
    }

    private static NormConfig norm(ConfigNode norm) {
        for (NormConfig.Kind kind : NormConfig.Kind.values()) {
            if (name(kind).equals(norm.text(KIND))) {
                return new NormConfig(kind, norm.positiveNumber("epsilon"));
            }
        }
        throw norm.wrong(KIND, "one of layer, rms, rms_unit_offset", norm.text(KIND));
    }

    private static String name(NormConfig.Kind kind) {
        return kind.name().toLowerCase(Locale.ROOT);
    }

    private static MlpConfig mlp(ConfigNode mlp) {
        return new MlpConfig(
                mlp.positive("width"),
                ActivationNames.read(mlp, ACTIVATION, Activation.SILU),
                mlp.flag("gated", true),
                mlp.flag("bias", false));
    }

    @Override
    public Optional<ObjectNode> write(CausalLmConfig config) {
        Optional<String> block = BLOCKS.entrySet().stream()
                .filter(known -> known.getValue().equals(config.block().form()))
                .map(Map.Entry::getKey)
                .findFirst();
        if (block.isEmpty() || config.block().mlp().activation() == Activation.NONE) {
            return Optional.empty();
        }
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("model_type", TYPE);
        json.putArray("architectures").add("MohawkForCausalLM");
        json.putObject("auto_map")
                .put("AutoConfig", CONFIGURATION + ".MohawkConfig")
                .put("AutoModel", MODELING + ".MohawkModel")
                .put("AutoModelForCausalLM", MODELING + ".MohawkForCausalLM");
        json.put("vocab_size", config.vocabulary());
        json.put("hidden_size", config.width());
        json.put("num_hidden_layers", config.layers());
        json.put("max_position_embeddings", config.maxPositions());
        json.put(SCALE, config.embeddingScale());
        json.put(LOGIT_CAP, config.head().softCap());
        json.put("lm_head_bias", config.head().bias());
        json.put(TIED, config.head().tied());
        json.put(BLOCK, block.get());
        NormConfig norm = config.block().norm();
        json.putObject(NORM).put(KIND, name(norm.kind())).put("epsilon", norm.epsilon());
        MlpConfig mlp = config.block().mlp();
        json.putObject(MLP)
                .put("width", mlp.width())
                .put(ACTIVATION, ActivationNames.of(mlp.activation()))
                .put("gated", mlp.gated())
                .put("bias", mlp.bias());
        ArrayNode runs = json.putArray(RUNS);
        for (MixerRun run : MixerRun.of(config.mixers())) {
            Optional<ObjectNode> mixer = MixerJson.write(run.mixer());
            if (mixer.isEmpty()) {
                return Optional.empty();
            }
            runs.addObject().put(COUNT, run.layers()).setAll(mixer.get());
        }
        return Optional.of(json);
    }

    @Override
    public String fileName(CausalLmConfig config, String parameter) {
        return parameter.startsWith("lm_head.") ? parameter : "model." + parameter;
    }

    /** The Python classes that {@code auto_map} names. */
    @Override
    public Map<String, byte[]> companions() {
        Map<String, byte[]> files = new LinkedHashMap<>();
        for (String module : List.of(CONFIGURATION, MODELING)) {
            files.put(module + ".py", resource(module + ".py"));
        }
        return files;
    }

    private static byte[] resource(String name) {
        try (InputStream stream = Objects.requireNonNull(MohawkFormat.class.getResourceAsStream(name), name)) {
            return stream.readAllBytes();
        } catch (IOException e) {
            throw new IllegalStateException("a resource of this library cannot be read: " + name, e);
        }
    }
}
