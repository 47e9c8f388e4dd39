package org.mohawk4j.models.llama;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.mixer.DiscreteMamba2;

/** How a discrete Mamba-2 stands in goombalab/mohawk's components, with the defaults of its class there. */
public final class ComponentMamba2 {
    public static final String NAME = "DiscreteMamba2";

    private static final int DEFAULT_STATE = 64;
    private static final int DEFAULT_HEADS = 32;
    private static final int DEFAULT_CONV = 4;
    private static final int DEFAULT_CHUNK = 128;
    private static final String INNER = "d_inner";
    private static final String HEADS = "n_v_heads";
    private static final String GROUPS = "n_qk_heads";
    private static final String STATE = "d_state";

    private ComponentMamba2() {}

    /** @param width D */
    public static DiscreteMamba2.Config read(ConfigNode input, long width) {
        input.requireIfPresent("bias", false);
        input.requireIfPresent("conv_bias", true);
        // what stands for these where they are absent is not computed
        require(input, "activation", List.of("identity", "id", "linear", "none"));
        require(input, "norm_cls", List.of("none", "identity"));
        long inner = input.optionalPositive(INNER).orElse(width);
        int heads = input.has(HEADS) ? input.positiveInt(HEADS) : DEFAULT_HEADS;
        int groups = input.has(GROUPS) ? input.positiveInt(GROUPS) : heads;
        if (inner % heads != 0) {
            throw input.wrong(HEADS, "a divisor of " + INNER + " " + inner, heads);
        }
        if (heads % groups != 0) {
            throw input.wrong(GROUPS, "a divisor of " + HEADS + " " + heads, groups);
        }
        int state = input.has(STATE) ? input.positiveInt(STATE) : DEFAULT_STATE;
        if ((long) groups * state > Integer.MAX_VALUE) {
            throw input.wrong(STATE, "at most " + Integer.MAX_VALUE + " entries of all heads together", state);
        }
        return new DiscreteMamba2.Config(
                width,
                inner,
                heads,
                groups,
                state,
                input.has("d_conv") ? input.between("d_conv", 2, Integer.MAX_VALUE) : DEFAULT_CONV,
                input.has("chunk_size") ? input.positiveInt("chunk_size") : DEFAULT_CHUNK);
    }

    private static void require(ConfigNode input, String key, List<String> supported) {
        String found = input.text(key);
        if (!supported.contains(found)) {
            throw input.wrong(key, supported.get(0) + ", the only one supported", found);
        }
    }

    /** The inverse of {@link #read}. */
    public static ObjectNode write(DiscreteMamba2.Config config) {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put(INNER, config.innerWidth());
        json.put(STATE, config.stateSize());
        json.put(GROUPS, config.groups());
        json.put(HEADS, config.heads());
        json.put("d_conv", config.convWidth());
        json.put("chunk_size", config.chunk());
        json.put("activation", "identity");
        json.put("bias", false);
        json.put("conv_bias", true);
        json.put("norm_cls", "none");
        json.put("use_ref_impl", false);
        return json;
    }
}
