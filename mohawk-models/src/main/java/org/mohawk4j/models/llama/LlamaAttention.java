package org.mohawk4j.models.llama;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Optional;
import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.mixer.SoftmaxAttention;
import org.mohawk4j.mixer.SoftmaxAttention.Biases;
import org.mohawk4j.models.RopeFormat;
import org.mohawk4j.nn.RotaryConfig;

/** How Llama's attention stands in a configuration, of a teacher or of a hybrid student's layer. */
final class LlamaAttention {
    private static final String HEADS = "num_attention_heads";
    private static final String KEY_VALUE_HEADS = "num_key_value_heads";
    private static final String HEAD_DIM = "head_dim";
    private static final String BIAS = "attention_bias";
    private static final String ROTARY_FRACTION = "partial_rotary_factor";
    private static final double DEFAULT_THETA = 10_000;

    private LlamaAttention() {}

    /**
     * @param rope where the rotary settings stand
     * @param width D
     */
    static SoftmaxAttention.Config read(ConfigNode config, ConfigNode rope, long width) {
        int heads = config.positiveInt(HEADS);
        int keyValueHeads = config.has(KEY_VALUE_HEADS) ? config.positiveInt(KEY_VALUE_HEADS) : heads;
        if (heads % keyValueHeads != 0) {
            throw config.wrong(KEY_VALUE_HEADS, "a divisor of " + HEADS + " " + heads, keyValueHeads);
        }
        if (!config.has(HEAD_DIM) && width % heads != 0) {
            throw config.wrong(HEADS, "a divisor of the width " + width + ", or a " + HEAD_DIM, heads);
        }
        int headDim = config.has(HEAD_DIM) ? config.positiveInt(HEAD_DIM) : Math.toIntExact(width / heads);
        if (headDim % 2 != 0) {
            throw config.wrong(HEAD_DIM, "an even number, since its entries turn in pairs", headDim);
        }
        if ((long) heads * headDim > Integer.MAX_VALUE) {
            throw config.wrong(HEAD_DIM, "at most " + Integer.MAX_VALUE + " entries of all heads together", headDim);
        }
        RotaryConfig rotary = RopeFormat.read(rope, headDim, DEFAULT_THETA, 1);
        if (rotary.dim() != headDim) {
            throw rope.wrong(
                    ROTARY_FRACTION, "1, the only one that Llama has", rotary.dim() + " of " + headDim + " entries");
        }
        boolean bias = config.flag(BIAS, false);
        return new SoftmaxAttention.Config(
                width, heads, keyValueHeads, headDim, bias ? Biases.ALL : Biases.NONE, rotary, Optional.empty());
    }

    /** Whether Llama's keys say all there is to say about an attention. */
    static boolean describes(SoftmaxAttention.Config attention) {
        return (attention.biases().equals(Biases.ALL) || attention.biases().equals(Biases.NONE))
                && attention.queryKeyNorm().isEmpty()
                && attention.rotary().dim() == attention.headDim();
    }

    /** What Llama calls a parameter of the attention. */
    static String fileName(String parameter) {
        return parameter.replace("dense.", "o_proj.");
    }

    /** The inverse of {@link #read}. */
    static void write(ObjectNode json, SoftmaxAttention.Config attention) {
        json.put(HEADS, attention.heads());
        json.put(KEY_VALUE_HEADS, attention.keyValueHeads());
        json.put(HEAD_DIM, attention.headDim());
        json.put(BIAS, attention.biases().equals(Biases.ALL));
        RopeFormat.write(json, attention.rotary());
    }
}
