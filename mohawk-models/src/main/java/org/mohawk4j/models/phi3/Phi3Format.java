package org.mohawk4j.models.phi3;

import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.mixer.SoftmaxAttention.Biases;
import org.mohawk4j.models.CausalLmConfig;
import org.mohawk4j.models.DecoderFormat;
import org.mohawk4j.models.RopeFormat;
import org.mohawk4j.nn.RotaryConfig;

/**
 * {@code Phi3ForCausalLM} of Hugging Face transformers: Phi-3, Phi-3.5 and Phi-4-mini. Queries, keys and values are rows of
 * one tensor in the file, as are gate and up of the MLP.
 */
public final class Phi3Format extends DecoderFormat {
    private static final double DEFAULT_THETA = 10_000;

    public Phi3Format() {
        super("phi3", "Phi3ForCausalLM");
    }

    @Override
    protected String defaults() {
        return """
                {"vocab_size": 32064, "hidden_size": 3072, "intermediate_size": 8192, "num_hidden_layers": 32,
                 "num_attention_heads": 32, "max_position_embeddings": 4096,
                 "original_max_position_embeddings": 4096, "rms_norm_eps": 1e-5}""";
    }

    @Override
    protected Biases biases(ConfigNode config) {
        return Biases.NONE;
    }

    @Override
    protected RotaryConfig rotary(ConfigNode config, int headDim, int layer) {
        return RopeFormat.read(config, headDim, DEFAULT_THETA, 1);
    }

    @Override
    protected boolean describes(RotaryConfig rotary, int headDim) {
        return true;
    }

    @Override
    protected boolean isSliding(ConfigNode config, int layer) {
        return true;
    }

    @Override
    public String fileName(CausalLmConfig config, String parameter) {
        return super.fileName(config, parameter)
                .replaceFirst("\\.self_attn\\.[qkv]_proj\\.", ".self_attn.qkv_proj.")
                .replaceFirst("\\.mlp\\.(gate|up)_proj\\.", ".mlp.gate_up_proj.");
    }

    @Override
    public boolean isJoined(String fileName) {
        return fileName.contains(".qkv_proj.") || fileName.contains(".gate_up_proj.");
    }
}
