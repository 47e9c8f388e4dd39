package org.mohawk4j.models.phi;

import org.mohawk4j.mixer.SoftmaxAttention;
import org.mohawk4j.models.ConfigNode;
import org.mohawk4j.models.RopeSettings;

/** How Phi's attention stands in a configuration, under Hugging Face's keys and with Hugging Face's defaults. */
public final class PhiAttention {
    private static final double DEFAULT_ROTARY_FRACTION = 0.5;
    private static final double DEFAULT_ROPE_THETA = 10_000;

    private PhiAttention() {}

    /**
     * @param config with {@code num_attention_heads}, {@code num_key_value_heads} if they are fewer, and the keys of
     *     {@link RopeSettings}
     * @param width D
     */
    public static SoftmaxAttention.Config read(ConfigNode config, long width) {
        int heads = config.divisor("num_attention_heads", width, "the width " + width);
        int keyValueHeads = config.has("num_key_value_heads")
                ? config.divisor("num_key_value_heads", heads, "num_attention_heads " + heads)
                : heads;
        RopeSettings rope = RopeSettings.read(config, width / heads, DEFAULT_ROPE_THETA, DEFAULT_ROTARY_FRACTION);
        return new SoftmaxAttention.Config(width, heads, keyValueHeads, rope.rotaryDim(), rope.theta());
    }
}
