package org.mohawk4j.models.smollm;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.models.CausalLmConfig;
import org.mohawk4j.models.DecoderFormat;
import org.mohawk4j.models.RopeFormat;
import org.mohawk4j.nn.RotaryConfig;

/**
 * {@code SmolLM3ForCausalLM} of Hugging Face transformers: some layers have no rotary embedding, those with 0 in
 * {@code no_rope_layers}, or every fourth.
 */
public final class SmolLm3Format extends DecoderFormat {
    private static final String ROTARY_LAYERS = "no_rope_layers";
    private static final String INTERVAL = "no_rope_layer_interval";
    private static final String USES_WINDOW = "use_sliding_window";
    private static final double DEFAULT_THETA = 2_000_000;

    public SmolLm3Format() {
        super("smollm3", "SmolLM3ForCausalLM");
    }

    @Override
    protected String defaults() {
        return """
                {"vocab_size": 128256, "hidden_size": 2048, "intermediate_size": 11008, "num_hidden_layers": 36,
                 "num_attention_heads": 16, "num_key_value_heads": 4, "max_position_embeddings": 32768,
                 "rms_norm_eps": 1e-6, "tie_word_embeddings": true, "no_rope_layer_interval": 4}""";
    }

    @Override
    protected RotaryConfig rotary(ConfigNode config, int headDim, int layer) {
        RotaryConfig rotary = RopeFormat.readWhole(config, headDim, DEFAULT_THETA);
        return turns(config, layer) ? rotary : new RotaryConfig(0, rotary.theta());
    }

    @Override
    protected boolean describes(RotaryConfig rotary, int headDim) {
        return rotary.dim() == 0 || super.describes(rotary, headDim);
    }

    private static boolean turns(ConfigNode config, int layer) {
        if (!config.has(ROTARY_LAYERS)) {
            return (layer + 1) % config.positive(INTERVAL) != 0;
        }
        List<Double> layers = config.numbers(ROTARY_LAYERS);
        if (layers.size() <= layer || (layers.get(layer) != 0 && layers.get(layer) != 1)) {
            throw config.wrong(ROTARY_LAYERS, "0 or 1 for each layer", layers);
        }
        return layers.get(layer) == 1;
    }

    @Override
    protected boolean isSliding(ConfigNode config, int layer) {
        return config.flag(USES_WINDOW, false) && isSliding(config, layer, !turns(config, layer));
    }

    @Override
    protected void writeOwn(ObjectNode json, CausalLmConfig config) {
        json.put(USES_WINDOW, true);
        ArrayNode turning = json.putArray(ROTARY_LAYERS);
        attentions(config).forEach(attention -> turning.add(attention.rotary().dim() == 0 ? 0 : 1));
    }
}
