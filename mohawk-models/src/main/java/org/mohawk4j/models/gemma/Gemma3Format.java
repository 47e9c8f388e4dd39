package org.mohawk4j.models.gemma;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Optional;
import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.mixer.SoftmaxAttention.QueryKeyNorm;
import org.mohawk4j.models.CausalLmConfig;
import org.mohawk4j.models.RopeFormat;
import org.mohawk4j.nn.RotaryConfig;

/**
 * {@code Gemma3ForCausalLM} of Hugging Face transformers: norms of queries and keys; five layers with a window for each
 * without, each kind with a rotary base of its own. Of the larger ones, which see as well ({@code model_type} gemma3), the
 * language model: it stands in {@code text_config}, and what is not its own is passed over.
 */
public final class Gemma3Format extends GemmaFormat {
    private static final String WITH_VISION = "gemma3";
    private static final String TEXT = "text_config";
    private static final String LOCAL_THETA = "rope_local_base_freq";
    private static final String PATTERN = "sliding_window_pattern";
    private static final double DEFAULT_LOCAL_THETA = 10_000;
    private static final double DEFAULT_THETA = 1_000_000;

    public Gemma3Format() {
        super("gemma3_text", "Gemma3ForCausalLM");
    }

    @Override
    protected String defaults() {
        return """
                {"vocab_size": 262208, "hidden_size": 2304, "intermediate_size": 9216, "num_hidden_layers": 26,
                 "num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256,
                 "hidden_activation": "gelu_pytorch_tanh", "max_position_embeddings": 131072, "rms_norm_eps": 1e-6,
                 "tie_word_embeddings": true, "query_pre_attn_scalar": 256, "sliding_window": 4096,
                 "sliding_window_pattern": 6}""";
    }

    @Override
    public boolean accepts(ConfigNode config) {
        return super.accepts(config) || isNested(config);
    }

    @Override
    public boolean ignoresVision() {
        return true;
    }

    private static boolean isNested(ConfigNode config) {
        return config.has("model_type") && config.text("model_type").equals(WITH_VISION);
    }

    @Override
    public CausalLmConfig read(ConfigNode config) {
        if (!isNested(config)) {
            return super.read(config);
        }
        ConfigNode text = config.object(TEXT);
        for (String key : new String[] {DTYPE, OLD_DTYPE}) {
            if (config.has(key) && !text.has(DTYPE) && !text.has(OLD_DTYPE)) {
                text = text.withDefaults("{\"" + key + "\": \"" + config.text(key) + "\"}");
            }
        }
        return super.read(text);
    }

    @Override
    protected Optional<QueryKeyNorm> queryKeyNorm(double epsilon) {
        return Optional.of(new QueryKeyNorm(epsilon, true, false));
    }

    @Override
    protected boolean isSliding(ConfigNode config, int layer) {
        return isSliding(config, layer, (layer + 1) % config.positive(PATTERN) != 0);
    }

    @Override
    protected RotaryConfig rotary(ConfigNode config, int headDim, int layer) {
        boolean sliding = isSliding(config, layer);
        double theta = sliding
                ? config.optionalNumber(LOCAL_THETA).orElse(DEFAULT_LOCAL_THETA)
                : config.optionalNumber("rope_theta").orElse(DEFAULT_THETA);
        if (RopeFormat.hasKind(config, SLIDING) || RopeFormat.hasKind(config, FULL)) {
            return RopeFormat.readKind(config, sliding ? SLIDING : FULL, headDim, theta, 1);
        }
        return sliding ? new RotaryConfig(headDim, theta) : RopeFormat.readWhole(config, headDim, DEFAULT_THETA);
    }

    @Override
    protected void writeOwn(ObjectNode json, CausalLmConfig config) {
        super.writeOwn(json, config);
        attentions(config).stream()
                .filter(attention -> attention.scores().window() > 0)
                .findFirst()
                .ifPresent(attention -> json.put(LOCAL_THETA, attention.rotary().theta()));
    }

    @Override
    public String canonicalName(String fileName) {
        return fileName.replaceFirst("^(language_model\\.(model\\.)?|model\\.language_model\\.)", "model.")
                .replaceFirst("^model\\.lm_head\\.", "lm_head.");
    }

    @Override
    public boolean isRedundant(String fileName) {
        return super.isRedundant(fileName)
                || fileName.contains("vision_tower.")
                || fileName.contains("multi_modal_projector.");
    }
}
