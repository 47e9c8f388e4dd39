package org.mohawk4j.models.llama;

import org.mohawk4j.models.DecoderFormat;

/** {@code LlamaForCausalLM} of Hugging Face transformers: Llama 1 to 3, TinyLlama, SmolLM 2, others of the same shape. */
public final class LlamaFormat extends DecoderFormat {
    public LlamaFormat() {
        super("llama", "LlamaForCausalLM");
    }

    @Override
    protected String defaults() {
        return """
                {"vocab_size": 32000, "hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32,
                 "num_attention_heads": 32, "max_position_embeddings": 2048, "rms_norm_eps": 1e-6}""";
    }
}
