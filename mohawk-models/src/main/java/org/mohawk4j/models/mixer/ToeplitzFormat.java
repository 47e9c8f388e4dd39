package org.mohawk4j.models.mixer;

import org.mohawk4j.mixer.Toeplitz;
import org.mohawk4j.models.TeacherLayer;

/** {@link Toeplitz}. */
public final class ToeplitzFormat extends ProjectedFormat<Toeplitz.Config> {
    public ToeplitzFormat() {
        super(
                Toeplitz.Config.class,
                MixerOption.derivedWhole("max-time", "the teacher's positions", 1, "the longest T"),
                "max_time");
    }

    @Override
    public String name() {
        return "toeplitz";
    }

    @Override
    public String description() {
        return "a long causal convolution per head, the same for every input";
    }

    @Override
    public String coreType() {
        return "org.mohawk4j.toeplitz";
    }

    @Override
    Toeplitz.Config create(long width, long inner, int heads, int size, int chunk) {
        return new Toeplitz.Config(width, inner, heads, size, chunk);
    }

    @Override
    int sizeFor(TeacherLayer replaced) {
        return Math.toIntExact(replaced.model().maxPositions());
    }

    @Override
    long sizeOf(Toeplitz.Config config) {
        return config.maxTime();
    }

    @Override
    int chunkOf(Toeplitz.Config config) {
        return config.chunk();
    }
}
