package org.mohawk4j.models;

import java.util.Map;
import java.util.TreeMap;
import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.op.Activation;

/** Hugging Face's names of the supported activations. */
public final class ActivationNames {
    private static final Map<String, Activation> READ = new TreeMap<>(Map.of(
            "silu", Activation.SILU,
            "swish", Activation.SILU,
            "relu", Activation.RELU,
            "gelu_new", Activation.GELU_TANH,
            "gelu_pytorch_tanh", Activation.GELU_TANH));

    private ActivationNames() {}

    /** @param fallback where the configuration has none */
    public static Activation read(ConfigNode config, String key, Activation fallback) {
        if (!config.has(key)) {
            return fallback;
        }
        Activation found = READ.get(config.text(key));
        if (found == null) {
            throw config.wrong(key, "one of " + READ.keySet(), config.text(key));
        }
        return found;
    }

    /** The name that is written. */
    public static String of(Activation activation) {
        return switch (activation) {
            case SILU -> "silu";
            case RELU -> "relu";
            case GELU_TANH -> "gelu_pytorch_tanh";
            case NONE -> throw new IllegalArgumentException("an MLP without activation");
        };
    }
}
