package org.mohawk4j.models.mixer;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Optional;
import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.models.TeacherLayer;

/**
 * A {@link org.mohawk4j.mixer.ProjectedMixer} of heads, one size of its own and a chunk length, which goombalab's code
 * does not have.
 *
 * @param <C> its configuration
 */
abstract class ProjectedFormat<C extends MixerConfig> implements MixerFormat {
    private static final String HEADS = "heads";
    private static final String CHUNK = "chunk-length";
    private static final String INNER_KEY = "d_inner";
    private static final String HEADS_KEY = "n_heads";
    private static final String CHUNK_KEY = "chunk_size";
    private static final int DEFAULT_CHUNK = 64;

    private final Class<C> type;
    private final MixerOption size;
    private final String sizeKey;

    /** @param sizeKey what the size is called in the file */
    ProjectedFormat(Class<C> type, MixerOption size, String sizeKey) {
        this.type = type;
        this.size = size;
        this.sizeKey = sizeKey;
    }

    /** @param inner H·P */
    abstract C create(long width, long inner, int heads, int size, int chunk);

    /** The size where it is not given. */
    abstract int sizeFor(TeacherLayer replaced);

    abstract long sizeOf(C config);

    abstract int chunkOf(C config);

    @Override
    public List<MixerOption> options() {
        return List.of(
                size,
                MixerOption.derivedWhole(
                        HEADS, "the teacher's", 1, "H, a divisor of the width of the teacher's heads together"),
                MixerOption.whole(CHUNK, DEFAULT_CHUNK, 1, "positions multiplied as one block; changes speed alone"));
    }

    @Override
    public C configure(TeacherLayer replaced, MixerOptions options) {
        long inner = replaced.mixer().innerWidth();
        return create(
                replaced.width(),
                inner,
                options.divisor(HEADS, replaced.mixer().heads(), inner, "the width of the teacher's heads together"),
                options.derivedWhole(size.name()).orElseGet(() -> sizeFor(replaced)),
                options.whole(CHUNK));
    }

    @Override
    public MixerConfig read(ConfigNode input, long width) {
        long inner = input.optionalPositive(INNER_KEY).orElse(width);
        return create(
                width,
                inner,
                input.divisor(HEADS_KEY, inner, "the width of all heads together, " + inner),
                input.positiveInt(sizeKey),
                input.positiveInt(CHUNK_KEY));
    }

    @Override
    public Optional<ObjectNode> write(MixerConfig mixer) {
        if (!type.isInstance(mixer)) {
            return Optional.empty();
        }
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        if (mixer.innerWidth() != mixer.width()) {
            json.put(INNER_KEY, mixer.innerWidth());
        }
        json.put(HEADS_KEY, mixer.heads());
        json.put(sizeKey, sizeOf(type.cast(mixer)));
        json.put(CHUNK_KEY, chunkOf(type.cast(mixer)));
        return Optional.of(json);
    }
}
