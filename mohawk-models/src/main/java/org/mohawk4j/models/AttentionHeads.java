package org.mohawk4j.models;

import com.fasterxml.jackson.databind.node.ObjectNode;
import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.mixer.SoftmaxAttention;

/**
 * Reads and writes an attention's heads under Hugging Face's keys.
 *
 * @param heads H
 * @param keyValueHeads G, dividing H; as many as H where there is no key
 * @param headDim P; D/H where there is no key
 */
public record AttentionHeads(int heads, int keyValueHeads, int headDim) {
    private static final String HEADS = "num_attention_heads";
    private static final String KEY_VALUE_HEADS = "num_key_value_heads";
    private static final String HEAD_DIM = "head_dim";

    /** @param width D */
    public static AttentionHeads read(ConfigNode config, long width) {
        int heads = config.positiveInt(HEADS);
        int keyValueHeads = config.has(KEY_VALUE_HEADS) ? config.positiveInt(KEY_VALUE_HEADS) : heads;
        if (heads % keyValueHeads != 0) {
            throw config.wrong(KEY_VALUE_HEADS, "a divisor of " + HEADS + " " + heads, keyValueHeads);
        }
        if (!config.has(HEAD_DIM) && width % heads != 0) {
            throw config.wrong(HEADS, "a divisor of the width " + width + ", or a " + HEAD_DIM, heads);
        }
        int headDim = config.has(HEAD_DIM) ? config.positiveInt(HEAD_DIM) : Math.toIntExact(width / heads);
        if ((long) heads * headDim > Integer.MAX_VALUE) {
            throw config.wrong(HEAD_DIM, "at most " + Integer.MAX_VALUE + " entries of all heads together", headDim);
        }
        return new AttentionHeads(heads, keyValueHeads, headDim);
    }

    /** The inverse of {@link #read}. */
    public static void write(ObjectNode json, SoftmaxAttention.Config attention) {
        json.put(HEADS, attention.heads());
        json.put(KEY_VALUE_HEADS, attention.keyValueHeads());
        json.put(HEAD_DIM, attention.headDim());
    }
}
