package com.example.mixer;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Optional;
import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.models.TeacherLayer;
import org.mohawk4j.models.mixer.MixerFormat;
import org.mohawk4j.models.mixer.MixerOption;
import org.mohawk4j.models.mixer.MixerOptions;

/** {@link OwnMixer} by name, in configurations of runs and of students. */
public final class OwnMixerFormat implements MixerFormat {
    @Override
    public String name() {
        return "own-mixer";
    }

    @Override
    public String description() {
        return "retention with a decay that the input decides, and a gate";
    }

    @Override
    public List<MixerOption> options() {
        return List.of(
                MixerOption.derivedWhole("heads", "the teacher's", 1, "H, a divisor of the teacher's inner width"),
                MixerOption.whole("state-size", 32, 1, "N, of each head"));
    }

    @Override
    public MixerConfig configure(TeacherLayer replaced, MixerOptions options) {
        long inner = replaced.mixer().innerWidth();
        int heads = options.divisor("heads", replaced.mixer().heads(), inner, "the teacher's inner width");
        return new OwnMixer.Config(replaced.width(), inner, heads, options.whole("state-size"));
    }

    @Override
    public String coreType() {
        return "com.example.own_mixer";
    }

    @Override
    public MixerConfig read(ConfigNode input, long width) {
        long inner = input.positive("d_inner");
        int heads = input.divisor("n_heads", inner, "d_inner " + inner);
        return new OwnMixer.Config(width, inner, heads, input.positiveInt("d_state"));
    }

    @Override
    public Optional<ObjectNode> write(MixerConfig mixer) {
        if (!(mixer instanceof OwnMixer.Config config)) {
            return Optional.empty();
        }
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("d_inner", config.innerWidth());
        json.put("n_heads", config.heads());
        json.put("d_state", config.stateSize());
        return Optional.of(json);
    }
}
