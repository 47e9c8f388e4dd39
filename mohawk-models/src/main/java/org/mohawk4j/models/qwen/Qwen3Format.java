package org.mohawk4j.models.qwen;

import java.util.Optional;
import org.mohawk4j.mixer.SoftmaxAttention.QueryKeyNorm;

/** {@code Qwen3ForCausalLM} of Hugging Face transformers: queries and keys of each head have an RMS norm. */
public final class Qwen3Format extends QwenFormat {
    public Qwen3Format() {
        super("qwen3", "Qwen3ForCausalLM");
    }

    @Override
    protected String defaults() {
        return DEFAULTS.replaceFirst("\\{", "{\"head_dim\": 128, ");
    }

    @Override
    protected Optional<QueryKeyNorm> queryKeyNorm(double epsilon) {
        return Optional.of(new QueryKeyNorm(epsilon, false, false));
    }
}
