package org.mohawk4j.models.gemma;

import com.fasterxml.jackson.databind.node.ObjectNode;
import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.mixer.SoftmaxAttention;
import org.mohawk4j.models.BlockForm;
import org.mohawk4j.models.CausalLmConfig;
import org.mohawk4j.models.DecoderFormat;
import org.mohawk4j.models.NormConfig;
import org.mohawk4j.models.SequentialBlock;
import org.mohawk4j.op.AttentionScores;
import org.mohawk4j.tensor.types.HostTensors;

/**
 * What Gemma 2 and 3 share: norms on both sides of mixer and MLP with a scale of 1 + weight, an embedding that is multiplied
 * by √D as the weights' type has it, and a scale of scores that is given.
 */
abstract class GemmaFormat extends DecoderFormat {
    static final String SCORE_CAP = "attn_logit_softcapping";
    static final String DTYPE = "dtype";
    static final String OLD_DTYPE = "torch_dtype";
    private static final String LOGIT_CAP = "final_logit_softcapping";
    private static final String SCALAR = "query_pre_attn_scalar";

    GemmaFormat(String modelType, String architecture) {
        super(modelType, architecture);
    }

    @Override
    protected BlockForm form() {
        return SequentialBlock.SANDWICH_NORM;
    }

    @Override
    protected NormConfig.Kind norm() {
        return NormConfig.Kind.RMS_UNIT_OFFSET;
    }

    @Override
    protected String activationKey() {
        return "hidden_activation";
    }

    @Override
    protected AttentionScores scores(ConfigNode config, int headDim) {
        config.requireIfPresent("use_bidirectional_attention", false);
        return AttentionScores.scaled(1 / Math.sqrt(config.positiveNumber(SCALAR)));
    }

    @Override
    protected double logitCap(ConfigNode config) {
        return config.optionalNumber(LOGIT_CAP).orElse(0);
    }

    @Override
    protected double embeddingScale(ConfigNode config) {
        String key = config.has(DTYPE) ? DTYPE : OLD_DTYPE;
        return rounded(Math.sqrt(config.positive("hidden_size")), config.has(key) ? config.text(key) : "");
    }

    private static double rounded(double value, String dtype) {
        return switch (dtype) {
            case "bfloat16", "torch.bfloat16" ->
                HostTensors.bfloat16ToFloat(HostTensors.floatToBfloat16((float) value));
            case "float16", "torch.float16" -> HostTensors.float16ToFloat(HostTensors.floatToFloat16((float) value));
            default -> (float) value;
        };
    }

    @Override
    protected void writeOwn(ObjectNode json, CausalLmConfig config) {
        SoftmaxAttention.Config attention = attentions(config).get(0);
        double scale = attention.scores().scale();
        double scalar = 1 / (scale * scale);
        json.put(SCALAR, 1 / Math.sqrt(Math.rint(scalar)) == scale ? Math.rint(scalar) : scalar);
        put(json, SCORE_CAP, attention.scores().softCap());
        put(json, LOGIT_CAP, config.head().softCap());
        for (String dtype : new String[] {"float32", "bfloat16", "float16"}) {
            if (rounded(Math.sqrt(config.width()), dtype) == config.embeddingScale()) {
                json.put(OLD_DTYPE, dtype);
                return;
            }
        }
    }

    private static void put(ObjectNode json, String key, double cap) {
        if (cap == 0) {
            json.putNull(key);
        } else {
            json.put(key, cap);
        }
    }

    @Override
    public String fileName(CausalLmConfig config, String parameter) {
        // the norm before the MLP takes the name that others give it, so that the one behind the mixer can have that
        return super.fileName(config, parameter)
                .replace(".post_attention_layernorm.", ".pre_feedforward_layernorm.")
                .replace(".mixer_output_layernorm.", ".post_attention_layernorm.")
                .replace(".mlp_output_layernorm.", ".post_feedforward_layernorm.");
    }
}
