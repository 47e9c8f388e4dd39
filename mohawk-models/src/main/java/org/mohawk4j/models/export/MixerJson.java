package org.mohawk4j.models.export;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Optional;
import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.mixer.CausalLinearAttention;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.mixer.SoftmaxAttention;
import org.mohawk4j.mixer.Toeplitz;
import org.mohawk4j.models.mixer.DiscreteMamba2Keys;
import org.mohawk4j.models.mixer.MixerFormat;
import org.mohawk4j.models.mixer.MixerFormats;

/**
 * How mixers stand in a configuration of ours: those that our Python classes compute, and any other that has a {@link
 * MixerFormat}, under its {@code CoreType}.
 */
final class MixerJson {
    private static final String MIXER = "mixer";
    private static final String INPUT = "input";
    private static final String MAMBA = "discrete_mamba2";
    private static final String ATTENTION = "attention";
    private static final String LINEAR = "causal_linear_attention";
    private static final String TOEPLITZ = "toeplitz";
    private static final String HEADS = "heads";
    private static final String INNER = "inner_width";
    private static final String STATE = "state_size";
    private static final String CHUNK = "chunk";
    private static final String MAX_TIME = "max_time";

    private static final DiscreteMamba2Keys MAMBA_KEYS =
            new DiscreteMamba2Keys(HEADS, "groups", STATE, "conv_width", CHUNK);

    private MixerJson() {}

    /** @param width D */
    static MixerConfig read(ConfigNode run, long width) {
        return switch (run.text(MIXER)) {
            case MAMBA -> {
                heads(run);
                yield MAMBA_KEYS.readWhole(run, width, run.positive(INNER));
            }
            case ATTENTION -> AttentionJson.read(run, width);
            case LINEAR ->
                new CausalLinearAttention.Config(
                        width, run.positive(INNER), heads(run), run.positiveInt(STATE), run.positiveInt(CHUNK));
            case TOEPLITZ ->
                new Toeplitz.Config(
                        width, run.positive(INNER), heads(run), run.positive(MAX_TIME), run.positiveInt(CHUNK));
            default -> other(run).read(run.object(INPUT), width);
        };
    }

    private static MixerFormat other(ConfigNode run) {
        return MixerFormats.all().stream()
                .filter(format -> format.coreType().equals(run.text(MIXER)))
                .findFirst()
                .orElseThrow(() -> run.wrong(
                        MIXER,
                        "one of " + String.join(", ", MAMBA, ATTENTION, LINEAR, TOEPLITZ)
                                + " or of the mixer formats on the class path",
                        run.text(MIXER)));
    }

    private static int heads(ConfigNode run) {
        long inner = run.positive(INNER);
        return run.divisor(HEADS, inner, INNER + " " + inner);
    }

    /** The inverse of {@link #read}; empty for a mixer that has no format. */
    static Optional<ObjectNode> write(MixerConfig mixer) {
        return writeOwn(mixer)
                .or(() -> MixerFormats.write(mixer).map(written -> {
                    ObjectNode json = JsonNodeFactory.instance
                            .objectNode()
                            .put(MIXER, written.format().coreType());
                    json.set(INPUT, written.json());
                    return json;
                }));
    }

    /** As {@link #write}; empty also for a mixer that our Python classes do not compute. */
    static Optional<ObjectNode> writeOwn(MixerConfig mixer) {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        if (mixer instanceof DiscreteMamba2.Config mamba) {
            MAMBA_KEYS.write(json.put(MIXER, MAMBA).put(INNER, mamba.innerWidth()), mamba);
        } else if (mixer instanceof SoftmaxAttention.Config attention) {
            AttentionJson.write(json.put(MIXER, ATTENTION), attention);
        } else if (mixer instanceof CausalLinearAttention.Config linear) {
            json.put(MIXER, LINEAR)
                    .put(INNER, linear.innerWidth())
                    .put(HEADS, linear.heads())
                    .put(STATE, linear.stateSize())
                    .put(CHUNK, linear.chunk());
        } else if (mixer instanceof Toeplitz.Config toeplitz) {
            json.put(MIXER, TOEPLITZ)
                    .put(INNER, toeplitz.innerWidth())
                    .put(HEADS, toeplitz.heads())
                    .put(MAX_TIME, toeplitz.maxTime())
                    .put(CHUNK, toeplitz.chunk());
        } else {
            return Optional.empty();
        }
        return Optional.of(json);
    }
}
