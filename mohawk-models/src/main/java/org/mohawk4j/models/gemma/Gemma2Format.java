package org.mohawk4j.models.gemma;

import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.op.AttentionScores;

/** {@code Gemma2ForCausalLM} of Hugging Face transformers: scores and logits are bounded; every other layer has a window. */
public final class Gemma2Format extends GemmaFormat {
    public Gemma2Format() {
        super("gemma2", "Gemma2ForCausalLM");
    }

    @Override
    protected String defaults() {
        return """
                {"vocab_size": 256000, "hidden_size": 2304, "intermediate_size": 9216, "num_hidden_layers": 26,
                 "num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256,
                 "hidden_activation": "gelu_pytorch_tanh", "max_position_embeddings": 8192, "rms_norm_eps": 1e-6,
                 "tie_word_embeddings": true, "query_pre_attn_scalar": 256, "sliding_window": 4096,
                 "final_logit_softcapping": 30.0, "attn_logit_softcapping": 50.0}""";
    }

    @Override
    protected AttentionScores scores(ConfigNode config, int headDim) {
        AttentionScores scores = super.scores(config, headDim);
        return new AttentionScores(
                scores.scale(), config.optionalNumber(SCORE_CAP).orElse(0), 0);
    }

    @Override
    protected boolean isSliding(ConfigNode config, int layer) {
        return isSliding(config, layer, layer % 2 == 0);
    }
}
