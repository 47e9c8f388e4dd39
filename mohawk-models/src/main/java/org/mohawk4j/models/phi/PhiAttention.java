package org.mohawk4j.models.phi;

import java.util.Optional;
import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.mixer.SoftmaxAttention;
import org.mohawk4j.models.RopeFormat;
import org.mohawk4j.op.AttentionScores;

/** Reads Phi's attention under Hugging Face's keys, with Hugging Face's defaults. */
public final class PhiAttention {
    private static final double DEFAULT_ROTARY_FRACTION = 0.5;
    private static final double DEFAULT_ROPE_THETA = 10_000;

    private PhiAttention() {}

    /**
     * @param config with {@code num_attention_heads}, {@code num_key_value_heads} if they are fewer, and the keys of
     *     {@link RopeFormat}
     * @param width D
     */
    public static SoftmaxAttention.Config read(ConfigNode config, long width) {
        int heads = config.divisor("num_attention_heads", width, "the width " + width);
        int keyValueHeads = config.has("num_key_value_heads")
                ? config.divisor("num_key_value_heads", heads, "num_attention_heads " + heads)
                : heads;
        int headDim = Math.toIntExact(width / heads);
        return new SoftmaxAttention.Config(
                width,
                heads,
                keyValueHeads,
                headDim,
                SoftmaxAttention.Biases.ALL,
                RopeFormat.read(config, headDim, DEFAULT_ROPE_THETA, DEFAULT_ROTARY_FRACTION),
                Optional.empty());
    }

    /** Whether Phi's keys say all there is to say about an attention. */
    public static boolean describes(SoftmaxAttention.Config attention) {
        return attention.innerWidth() == attention.width()
                && attention.biases().equals(SoftmaxAttention.Biases.ALL)
                && attention.queryKeyNorm().isEmpty()
                && attention.scores().equals(AttentionScores.ofHeads(attention.headDim()));
    }
}
