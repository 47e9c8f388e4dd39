package org.mohawk4j.models.mixer;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.mixer.DiscreteMamba2;

/**
 * The keys of a discrete Mamba-2 in a configuration. Values default to those of goombalab's class: H = 32, G = H, N = 64,
 * K = 4, Q = 128.
 *
 * @param heads H
 * @param groups G
 * @param stateSize N
 * @param convWidth K
 * @param chunk Q
 */
public record DiscreteMamba2Keys(String heads, String groups, String stateSize, String convWidth, String chunk) {
    /** As goombalab/phi-mamba and goombalab/mohawk name them. */
    public static final DiscreteMamba2Keys GOOMBALAB =
            new DiscreteMamba2Keys("n_v_heads", "n_qk_heads", "d_state", "d_conv", "chunk_size");

    private static final int DEFAULT_HEADS = 32;
    private static final int DEFAULT_STATE = 64;
    private static final int DEFAULT_CONV = 4;
    private static final int DEFAULT_CHUNK = 128;

    /**
     * Reads a mixer.
     *
     * @param width D
     * @param innerWidth H·P
     * @throws org.mohawk4j.InvalidInputException for a value that no mixer has
     */
    public DiscreteMamba2.Config read(ConfigNode input, long width, long innerWidth) {
        int headCount = positive(input, heads, DEFAULT_HEADS);
        if (innerWidth % headCount != 0) {
            throw input.wrong(heads, "a divisor of the inner width " + innerWidth, headCount);
        }
        int groupCount = positive(input, groups, headCount);
        if (headCount % groupCount != 0) {
            throw input.wrong(groups, "a divisor of " + heads + " " + headCount, groupCount);
        }
        int state = positive(input, stateSize, DEFAULT_STATE);
        if ((long) groupCount * state > Integer.MAX_VALUE) {
            throw input.wrong(stateSize, "at most " + Integer.MAX_VALUE + " entries of all groups together", state);
        }
        return new DiscreteMamba2.Config(
                width,
                innerWidth,
                headCount,
                groupCount,
                state,
                input.has(convWidth) ? input.between(convWidth, 2, Integer.MAX_VALUE) : DEFAULT_CONV,
                positive(input, chunk, DEFAULT_CHUNK));
    }

    /** As {@link #read}, without defaults except for Q. */
    public DiscreteMamba2.Config readWhole(ConfigNode input, long width, long innerWidth) {
        List.of(heads, groups, stateSize, convWidth).forEach(input::positiveInt);
        return read(input, width, innerWidth);
    }

    private static int positive(ConfigNode input, String key, int fallback) {
        return input.has(key) ? input.positiveInt(key) : fallback;
    }

    /** Writes all five. */
    public ObjectNode write(ObjectNode json, DiscreteMamba2.Config mixer) {
        return json.put(stateSize, mixer.stateSize())
                .put(heads, mixer.heads())
                .put(groups, mixer.groups())
                .put(convWidth, mixer.convWidth())
                .put(chunk, mixer.chunk());
    }
}
