package org.mohawk4j.models.qwen;

import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.mixer.SoftmaxAttention.Biases;

/** {@code Qwen2ForCausalLM} of Hugging Face transformers: Qwen 2 and 2.5, with biases on queries, keys and values. */
public final class Qwen2Format extends QwenFormat {
    public Qwen2Format() {
        super("qwen2", "Qwen2ForCausalLM");
    }

    @Override
    protected String defaults() {
        return DEFAULTS;
    }

    @Override
    protected Biases biases(ConfigNode config) {
        return new Biases(true, true, true, false);
    }
}
