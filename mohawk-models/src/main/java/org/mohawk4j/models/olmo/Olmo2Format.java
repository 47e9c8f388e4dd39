package org.mohawk4j.models.olmo;

import java.util.Optional;
import org.mohawk4j.mixer.SoftmaxAttention.QueryKeyNorm;
import org.mohawk4j.models.BlockForm;
import org.mohawk4j.models.CausalLmConfig;
import org.mohawk4j.models.DecoderFormat;
import org.mohawk4j.models.SequentialBlock;

/** {@code Olmo2ForCausalLM} of Hugging Face transformers. */
public final class Olmo2Format extends DecoderFormat {
    public Olmo2Format() {
        super("olmo2", "Olmo2ForCausalLM");
    }

    @Override
    protected String defaults() {
        return """
                {"vocab_size": 50304, "hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32,
                 "num_attention_heads": 32, "max_position_embeddings": 2048, "rms_norm_eps": 1e-5}""";
    }

    @Override
    protected BlockForm form() {
        return SequentialBlock.POST_NORM;
    }

    @Override
    protected Optional<QueryKeyNorm> queryKeyNorm(double epsilon) {
        return Optional.of(new QueryKeyNorm(epsilon, false, true));
    }

    @Override
    public String fileName(CausalLmConfig config, String parameter) {
        return super.fileName(config, parameter)
                .replace(".mixer_output_layernorm.", ".post_attention_layernorm.")
                .replace(".mlp_output_layernorm.", ".post_feedforward_layernorm.");
    }
}
