package org.mohawk4j.models;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.mixer.SoftmaxAttention;
import org.mohawk4j.mixer.SoftmaxAttention.Biases;
import org.mohawk4j.mixer.SoftmaxAttention.Projections;
import org.mohawk4j.mixer.SoftmaxAttention.QueryKeyNorm;
import org.mohawk4j.nn.RotaryConfig;
import org.mohawk4j.op.Activation;
import org.mohawk4j.op.AttentionScores;

/**
 * A decoder of Hugging Face transformers: the keys of {@code config.json} and the tensor names that all families share, as
 * Llama has them. A family defines what differs, including transformers' defaults for absent keys.
 */
public abstract class DecoderFormat implements ModelFormat {
    private static final String HEAD = "lm_head.weight";

    /** The kinds of layers in {@code layer_types}. */
    protected static final String SLIDING = "sliding_attention";

    protected static final String FULL = "full_attention";

    private static final String LAYER_TYPES = "layer_types";
    private static final String LAYERS = "num_hidden_layers";
    private static final String WIDTH = "hidden_size";
    private static final String BIAS = "attention_bias";
    private static final String MLP_BIAS = "mlp_bias";
    private static final String TIED = "tie_word_embeddings";
    private static final String WINDOW = "sliding_window";
    private static final String EPSILON = "rms_norm_eps";
    private static final double DEFAULT_THETA = 10_000;

    private final String modelType;
    private final String architecture;

    protected DecoderFormat(String modelType, String architecture) {
        this.modelType = modelType;
        this.architecture = architecture;
    }

    // --- what is a family's own ---------------------------------------------------------------------------------

    /** What transformers takes for keys that are absent, a JSON object. */
    protected abstract String defaults();

    /** Where norms stand. */
    protected BlockForm form() {
        return SequentialBlock.PRE_NORM;
    }

    protected NormConfig.Kind norm() {
        return NormConfig.Kind.RMS;
    }

    /** The key of the MLP's activation. */
    protected String activationKey() {
        return "hidden_act";
    }

    protected Biases biases(ConfigNode config) {
        return config.flag(BIAS, false) ? Biases.ALL : Biases.NONE;
    }

    /** @param epsilon of all norms */
    protected Optional<QueryKeyNorm> queryKeyNorm(double epsilon) {
        return Optional.empty();
    }

    protected RotaryConfig rotary(ConfigNode config, int headDim, int layer) {
        return RopeFormat.readWhole(config, headDim, DEFAULT_THETA);
    }

    /** Whether a rotary embedding is one that {@link #rotary} may give. */
    protected boolean describes(RotaryConfig rotary, int headDim) {
        return rotary.dim() == headDim;
    }

    /** Whether a layer sees {@code sliding_window} positions, if that is a number. */
    protected boolean isSliding(ConfigNode config, int layer) {
        return false;
    }

    /** How attention scores are transformed, except for the window. */
    protected AttentionScores scores(ConfigNode config, int headDim) {
        return AttentionScores.ofHeads(headDim);
    }

    /** What bounds the logits; 0: nothing. */
    protected double logitCap(ConfigNode config) {
        return 0;
    }

    protected double embeddingScale(ConfigNode config) {
        return 1;
    }

    /** Writes the keys that no other family has. */
    protected void writeOwn(ObjectNode json, CausalLmConfig config) {}

    // --- config.json --------------------------------------------------------------------------------------------

    @Override
    public String name() {
        return modelType;
    }

    @Override
    public boolean accepts(ConfigNode config) {
        return config.has("model_type") && config.text("model_type").equals(modelType);
    }

    @Override
    public CausalLmConfig read(ConfigNode given) {
        ConfigNode config = given.withDefaults(defaults());
        long width = config.positive(WIDTH);
        double epsilon = config.positiveNumber(EPSILON);
        Activation activation = ActivationNames.read(config, activationKey(), Activation.SILU);
        int layers = config.between(LAYERS, 1, CausalLmConfig.MAX_LAYERS);
        List<MixerConfig> mixers = new ArrayList<>();
        for (int layer = 0; layer < layers; layer++) {
            mixers.add(attention(config, width, epsilon, layer));
        }
        return new CausalLmConfig(
                config.positive("vocab_size"),
                width,
                config.positive("max_position_embeddings"),
                embeddingScale(config),
                new BlockConfig(
                        form(),
                        new NormConfig(norm(), epsilon),
                        new MlpConfig(
                                config.positive("intermediate_size"), activation, true, config.flag(MLP_BIAS, false))),
                new HeadConfig(config.flag(TIED, false), false, logitCap(config)),
                mixers);
    }

    private SoftmaxAttention.Config attention(ConfigNode config, long width, double epsilon, int layer) {
        AttentionHeads heads = AttentionHeads.read(config, width);
        int headDim = heads.headDim();
        AttentionScores scores = scores(config, headDim);
        boolean sliding = config.has(WINDOW) && isSliding(config, layer);
        return new SoftmaxAttention.Config(
                width,
                heads.heads(),
                heads.keyValueHeads(),
                headDim,
                new Projections(biases(config), queryKeyNorm(epsilon)),
                rotary(config, headDim, layer),
                new AttentionScores(scores.scale(), scores.softCap(), sliding ? config.positive(WINDOW) : 0));
    }

    /** A layer's kind by {@code layer_types}, or where that is absent. */
    protected final boolean isSliding(ConfigNode config, int layer, boolean otherwise) {
        if (!config.has(LAYER_TYPES)) {
            return otherwise;
        }
        List<String> types = config.texts(LAYER_TYPES);
        int layers = config.positiveInt(LAYERS);
        if (types.size() != layers) {
            throw config.wrong(LAYER_TYPES, "one for each of " + layers + " layers", types.size());
        }
        String type = types.get(layer);
        if (!type.equals(SLIDING) && !type.equals(FULL)) {
            throw config.wrong(LAYER_TYPES, FULL + " or " + SLIDING + ", which are computed", type);
        }
        return type.equals(SLIDING);
    }

    /**
     * As {@link ModelFormat#write} says: what is written must read as the same model, so that a family need not say what
     * it can describe.
     */
    @Override
    public Optional<ObjectNode> write(CausalLmConfig config) {
        if (!config.mixers().stream().allMatch(SoftmaxAttention.Config.class::isInstance)
                || !config.block().form().equals(form())
                || config.block().norm().kind() != norm()
                || config.head().bias()) {
            return Optional.empty();
        }
        if (!attentions(config).stream().allMatch(each -> describes(each.rotary(), each.headDim()))) {
            return Optional.empty();
        }
        ObjectNode json = describe(config);
        return isSame(json, config) ? Optional.of(json) : Optional.empty();
    }

    private boolean isSame(ObjectNode json, CausalLmConfig config) {
        return read(ConfigNode.of("a configuration in the form " + modelType, json))
                .equals(config);
    }

    private ObjectNode describe(CausalLmConfig config) {
        List<SoftmaxAttention.Config> attentions = attentions(config);
        SoftmaxAttention.Config attention = attentions.get(0);
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("model_type", modelType);
        json.putArray("architectures").add(architecture);
        json.put("vocab_size", config.vocabulary());
        json.put(WIDTH, config.width());
        json.put("intermediate_size", config.block().mlp().width());
        json.put(LAYERS, config.layers());
        json.put(activationKey(), ActivationNames.of(config.block().mlp().activation()));
        json.put("max_position_embeddings", config.maxPositions());
        json.put(EPSILON, config.block().norm().epsilon());
        json.put(TIED, config.head().tied());
        json.put(MLP_BIAS, config.block().mlp().bias());
        AttentionHeads.write(json, attention);
        json.put(BIAS, attention.biases().output());
        RopeFormat.write(json, rotaryOf(attentions), attention.headDim());
        ArrayNode types = json.putArray(LAYER_TYPES);
        json.putNull(WINDOW);
        for (SoftmaxAttention.Config each : attentions) {
            long window = each.scores().window();
            types.add(window == 0 ? FULL : SLIDING);
            if (window > 0) {
                json.put(WINDOW, window);
            }
        }
        writeOwn(json, config);
        return json;
    }

    /** All mixers, where they are attentions. */
    protected static List<SoftmaxAttention.Config> attentions(CausalLmConfig config) {
        return config.mixers().stream().map(SoftmaxAttention.Config.class::cast).toList();
    }

    /** Of layers that see everything, if any does, and that turn, if any does. */
    private static RotaryConfig rotaryOf(List<SoftmaxAttention.Config> attentions) {
        return attentions.stream()
                .filter(each -> each.rotary().dim() > 0 && each.scores().window() == 0)
                .findFirst()
                .or(() -> attentions.stream()
                        .filter(each -> each.rotary().dim() > 0)
                        .findFirst())
                .orElse(attentions.get(0))
                .rotary();
    }

    // --- names of tensors ---------------------------------------------------------------------------------------

    @Override
    public String fileName(CausalLmConfig config, String parameter) {
        if (parameter.startsWith("lm_head.")) {
            return parameter;
        }
        return "model."
                + parameter
                        .replace("embedding.", "embed_tokens.")
                        .replace("final_layernorm.", "norm.")
                        .replace(".mixer.dense.", ".self_attn.o_proj.")
                        .replace(".mixer.", ".self_attn.");
    }

    /** Old checkpoints carry the rotation frequencies, and some with a tied head its copy of the embedding. */
    @Override
    public boolean isRedundant(String fileName) {
        return fileName.endsWith(".rotary_emb.inv_freq") || fileName.equals(HEAD);
    }

    /** As transformers 5, which does not tie a head that differs from the embedding, whatever the configuration says. */
    @Override
    public Optional<String> original(String redundant) {
        return redundant.equals(HEAD) ? Optional.of("model.embed_tokens.weight") : Optional.empty();
    }
}
