package org.mohawk4j.models.llama;

import static org.mohawk4j.models.mixer.DiscreteMamba2Keys.GOOMBALAB;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.mixer.DiscreteMamba2;

/** How a discrete Mamba-2 stands in goombalab/mohawk's components, with the defaults of its class there. */
final class ComponentMamba2 {
    static final String NAME = "DiscreteMamba2";

    private static final String INNER = "d_inner";

    private ComponentMamba2() {}

    /** @param width D */
    static DiscreteMamba2.Config read(ConfigNode input, long width) {
        input.requireIfPresent("bias", false);
        input.requireIfPresent("conv_bias", true);
        // what stands for these where they are absent is not computed
        require(input, "activation", List.of("identity", "id", "linear", "none"));
        require(input, "norm_cls", List.of("none", "identity"));
        long inner = input.optionalPositive(INNER).orElse(width);
        return GOOMBALAB.read(input, width, inner);
    }

    private static void require(ConfigNode input, String key, List<String> supported) {
        String found = input.text(key);
        if (!supported.contains(found)) {
            throw input.wrong(key, supported.get(0) + ", the only one supported", found);
        }
    }

    /** The inverse of {@link #read}. */
    static ObjectNode write(DiscreteMamba2.Config config) {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put(INNER, config.innerWidth());
        GOOMBALAB.write(json, config);
        json.put("activation", "identity");
        json.put("bias", false);
        json.put("conv_bias", true);
        json.put("norm_cls", "none");
        json.put("use_ref_impl", false);
        // its class fails without these three, and has the gate's bias only where the gate starts as the identity
        json.putObject("initializer")
                .put("z", "identity")
                .put("convolution", "identity")
                .put("out", "default");
        return json;
    }
}
