package org.mohawk4j.models.qwen;

import com.fasterxml.jackson.databind.node.ObjectNode;
import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.models.CausalLmConfig;
import org.mohawk4j.models.DecoderFormat;

/** What Qwen 2 and 3 share: a window, if it is used, in the layers from {@code max_window_layers} on. */
abstract class QwenFormat extends DecoderFormat {
    static final String DEFAULTS = """
            {"vocab_size": 151936, "hidden_size": 4096, "intermediate_size": 22016, "num_hidden_layers": 32,
             "num_attention_heads": 32, "num_key_value_heads": 32, "max_position_embeddings": 32768,
             "rms_norm_eps": 1e-6, "sliding_window": 4096, "max_window_layers": 28}""";

    private static final String USES_WINDOW = "use_sliding_window";
    private static final String FIRST = "max_window_layers";

    QwenFormat(String modelType, String architecture) {
        super(modelType, architecture);
    }

    @Override
    protected boolean isSliding(ConfigNode config, int layer) {
        return config.flag(USES_WINDOW, false)
                && isSliding(config, layer, layer >= config.whole(FIRST, 0, Integer.MAX_VALUE));
    }

    @Override
    protected void writeOwn(ObjectNode json, CausalLmConfig config) {
        json.put(USES_WINDOW, true);
    }
}
