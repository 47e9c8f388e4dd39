package org.mohawk4j.models.phimamba;

import static org.mohawk4j.models.mixer.DiscreteMamba2Keys.GOOMBALAB;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Optional;
import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.models.TeacherLayer;
import org.mohawk4j.models.mixer.MixerFormat;
import org.mohawk4j.models.mixer.MixerOption;
import org.mohawk4j.models.mixer.MixerOptions;

/** {@code modules.mixers.discrete_mamba2} of goombalab/phi-mamba. */
public final class DiscreteMamba2Format implements MixerFormat {
    private static final String STATE_SIZE = "state-size";
    private static final String CONV_WIDTH = "conv-width";
    private static final String HEADS = "heads";
    private static final String GROUPS = "groups";
    private static final String CHUNK = "chunk-length";

    @Override
    public String name() {
        return "discrete-mamba2";
    }

    @Override
    public String description() {
        return "discrete Mamba-2, the mixer of Phi-Mamba (arXiv 2408.10189)";
    }

    @Override
    public List<MixerOption> options() {
        return List.of(
                MixerOption.whole(STATE_SIZE, 64, 1, "N, of each head"),
                MixerOption.whole(CONV_WIDTH, 4, 2, "K, taps of the causal convolution"),
                MixerOption.derivedWhole(HEADS, "the teacher's", 1, "H, a divisor of the width of the teacher's heads"),
                MixerOption.derivedWhole(GROUPS, "heads", 1, "G, heads of B and C, a divisor of H"),
                MixerOption.whole(CHUNK, 64, 1, "positions multiplied as one block; changes speed alone"));
    }

    @Override
    public MixerConfig configure(TeacherLayer replaced, MixerOptions options) {
        long inner = replaced.mixer().innerWidth();
        int heads =
                options.divisor(HEADS, replaced.mixer().heads(), inner, "the width of the teacher's heads together");
        return new DiscreteMamba2.Config(
                replaced.width(),
                inner,
                heads,
                options.divisor(GROUPS, heads, heads, "the heads"),
                options.whole(STATE_SIZE),
                options.whole(CONV_WIDTH),
                options.whole(CHUNK));
    }

    @Override
    public String coreType() {
        return "modules.mixers.discrete_mamba2";
    }

    @Override
    public MixerConfig read(ConfigNode input, long width) {
        input.requireIfPresent("expand", 1);
        input.requireIfPresent("bias", false);
        input.requireIfPresent("conv_bias", true);
        input.requireIfPresent("activation", "identity");
        return GOOMBALAB.readWhole(input, width, width);
    }

    @Override
    public Optional<ObjectNode> write(MixerConfig mixer) {
        if (!(mixer instanceof DiscreteMamba2.Config config) || config.innerWidth() != config.width()) {
            return Optional.empty();
        }
        return Optional.of(GOOMBALAB
                .write(JsonNodeFactory.instance.objectNode(), config)
                .put("conv_bias", true)
                .put("expand", 1)
                .put("activation", "identity")
                .put("bias", false));
    }
}
