package org.mohawk4j.models;

import java.util.ArrayList;
import java.util.List;
import org.mohawk4j.mixer.MixerConfig;

/**
 * Neighbouring layers with equal mixers, which configurations describe together.
 *
 * @param layers how many
 */
public record MixerRun(MixerConfig mixer, int layers) {
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
