package org.mohawk4j.models.mistral;

import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.mixer.SoftmaxAttention.Biases;
import org.mohawk4j.models.DecoderFormat;

/** {@code MistralForCausalLM} of Hugging Face transformers: all layers have the window, unless it is null. */
public final class MistralFormat extends DecoderFormat {
    public MistralFormat() {
        super("mistral", "MistralForCausalLM");
    }

    @Override
    protected String defaults() {
        return """
                {"vocab_size": 32000, "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32,
                 "num_attention_heads": 32, "num_key_value_heads": 8, "max_position_embeddings": 131072,
                 "rms_norm_eps": 1e-6, "sliding_window": 4096}""";
    }

    @Override
    protected Biases biases(ConfigNode config) {
        return Biases.NONE;
    }

    @Override
    protected boolean isSliding(ConfigNode config, int layer) {
        return true;
    }
}
