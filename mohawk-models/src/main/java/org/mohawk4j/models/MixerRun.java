package org.mohawk4j.models;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.mixer.MixerConfig;

/**
 * Neighboring layers with equal mixers, which configurations describe together.
 *
 * @param layers how many
 */
public record MixerRun(MixerConfig mixer, int layers) {
    /**
     * Adds a run that a configuration describes to the mixers of the layers before it.
     *
     * @param key of the number of layers in {@code run}
     * @throws org.mohawk4j.InvalidInputException if the model has too many layers
     */
    public static void read(ConfigNode run, String key, MixerConfig mixer, List<MixerConfig> mixers) {
        mixers.addAll(Collections.nCopies(run.between(key, 1, CausalLmConfig.MAX_LAYERS), mixer));
        if (mixers.size() > CausalLmConfig.MAX_LAYERS) {
            throw run.wrong(key, "at most " + CausalLmConfig.MAX_LAYERS + " layers in all", mixers.size());
        }
    }

    /**
     * Checks a number of layers that a configuration gives besides its runs.
     *
     * @throws org.mohawk4j.InvalidInputException if it is not their sum
     */
    public static void requireTotal(ConfigNode config, String key, int layers) {
        if (config.has(key) && config.positive(key) != layers) {
            throw config.wrong(key, layers + ", as the blocks add up to", config.positive(key));
        }
    }

    /** The runs of a model, in order, each as long as it can be. */
    public static List<MixerRun> of(List<MixerConfig> mixers) {
        List<MixerRun> runs = new ArrayList<>();
        int from = 0;
        for (int to = 1; to <= mixers.size(); to++) {
            if (to == mixers.size() || !mixers.get(to).equals(mixers.get(from))) {
                runs.add(new MixerRun(mixers.get(from), to - from));
                from = to;
            }
        }
        return runs;
    }
}
