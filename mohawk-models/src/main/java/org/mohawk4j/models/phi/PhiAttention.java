package org.mohawk4j.models.phi;

import org.mohawk4j.layer.RotaryConfig;
import org.mohawk4j.mixer.SoftmaxAttention;
import org.mohawk4j.models.ConfigNode;

/** How Phi's attention stands in a configuration, under Hugging Face's keys and with Hugging Face's defaults. */
public final class PhiAttention {
    private static final double DEFAULT_ROTARY_FRACTION = 0.5;
    private static final double DEFAULT_ROPE_THETA = 10_000;

    private PhiAttention() {}

    /**
     * @param config with {@code num_attention_heads} and, if they are not the defaults, {@code num_key_value_heads},
     *     {@code partial_rotary_factor} and {@code rope_theta}; the last two may stand in {@code rope_parameters}
     * @param width D
     */
    public static SoftmaxAttention.Config read(ConfigNode config, long width) {
        int heads = divisor(config, "num_attention_heads", width, "the width " + width);
        int keyValueHeads = config.has("num_key_value_heads")
                ? divisor(config, "num_key_value_heads", heads, "num_attention_heads " + heads)
                : heads;
        ConfigNode rope = config.has("rope_parameters") ? config.object("rope_parameters") : config;
        ConfigNode rotary = rope.has("partial_rotary_factor") ? rope : config;
        double fraction = rotary.optionalNumber("partial_rotary_factor").orElse(DEFAULT_ROTARY_FRACTION);
        long headDim = width / heads;
        int rotaryDim = (int) (fraction * headDim);
        if (rotaryDim % 2 != 0 || fraction < 0 || fraction > 1) {
            throw rotary.wrong("partial_rotary_factor", "an even share of " + headDim + " entries", fraction);
        }
        double theta = rope.optionalNumber("rope_theta").orElse(DEFAULT_ROPE_THETA);
        if (theta <= 0) {
            throw rope.wrong("rope_theta", "a number above 0", theta);
        }
        return new SoftmaxAttention.Config(width, heads, keyValueHeads, rotaryDim, theta);
    }

    /** Whether Phi's keys say all there is to say about an attention. */
    public static boolean describes(SoftmaxAttention.Config attention) {
        RotaryConfig rotary = attention.rotary();
        return attention.innerWidth() == attention.width()
                && attention.biases().equals(SoftmaxAttention.Biases.ALL)
                && attention.queryKeyNorm().isEmpty()
                && rotary.equals(new RotaryConfig(rotary.dim(), rotary.theta()));
    }

    private static int divisor(ConfigNode config, String key, long whole, String name) {
        int value = config.positiveInt(key);
        if (whole % value != 0) {
            throw config.wrong(key, "a divisor of " + name, value);
        }
        return value;
    }
}
