package org.mohawk4j.models;

import java.util.List;
import org.mohawk4j.io.ConfigNode;

/** What no form of model folder computes, recognized by its keys, so that it is refused by its name. */
final class UnsupportedParts {
    private static final String QUANTIZATION = "quantization_config";
    private static final List<String> EXPERTS =
            List.of("num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts");
    private static final List<String> VISION = List.of("vision_config", "img_processor");

    private UnsupportedParts() {}

    /**
     * Throws for quantized weights, mixtures of experts, and vision parts.
     *
     * @param sees whether the form passes over vision parts
     */
    static void refuse(ConfigNode config, boolean sees) {
        if (config.has(QUANTIZATION)) {
            throw config.wrong(QUANTIZATION, "none, since quantized weights are not read", quantization(config));
        }
        for (String key : EXPERTS) {
            if (config.has(key) && config.number(key) > 1) {
                throw config.wrong(key, "none, since a mixture of experts is not computed", (long) config.number(key));
            }
        }
        for (String key : VISION) {
            if (!sees && config.has(key)) {
                throw config.wrong(key, "none, since vision parts are not computed", "one");
            }
        }
    }

    private static String quantization(ConfigNode config) {
        ConfigNode how = config.object(QUANTIZATION);
        String method = how.has("quant_method") ? how.text("quant_method") : "an unnamed method";
        if (how.has("bits")) {
            return method + " with " + how.positive("bits") + " bits";
        }
        if (how.has("load_in_4bit") && how.flag("load_in_4bit", false)) {
            return method + " with 4 bits";
        }
        return how.has("load_in_8bit") && how.flag("load_in_8bit", false) ? method + " with 8 bits" : method;
    }
}
