package org.mohawk4j.models.llama;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Optional;
import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.models.CausalLmConfig;
import org.mohawk4j.models.ModelFormat;

/** {@code LlamaForCausalLM} of Hugging Face transformers: Llama 1 to 3, SmolLM 2, and others of the same shape. */
public final class LlamaFormat implements ModelFormat {
    static final String MODEL_TYPE = "llama";

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
        return LlamaConfig.read(config);
    }

    @Override
    public Optional<ObjectNode> write(CausalLmConfig config) {
        return LlamaConfig.write(config);
    }

    @Override
    public String fileName(CausalLmConfig config, String parameter) {
        if (parameter.startsWith("lm_head.")) {
            return parameter;
        }
        return "model."
                + parameter
                        .replace("embedding.", "embed_tokens.")
                        .replace("final_layernorm.", "norm.")
                        .replace(".mixer.dense.", ".mixer." + LlamaAttention.fileName("dense."))
                        .replace(".mixer.", ".self_attn.");
    }

    /** Old checkpoints carry the rotation frequencies, and some with a tied head its copy of the embedding. */
    @Override
    public boolean isRedundant(String fileName) {
        return fileName.endsWith(".rotary_emb.inv_freq") || fileName.equals("lm_head.weight");
    }
}
