package org.mohawk4j.models.mixer;

import org.mohawk4j.mixer.CausalLinearAttention;
import org.mohawk4j.models.TeacherLayer;

/** {@link CausalLinearAttention}. */
public final class LinearAttentionFormat extends ProjectedFormat<CausalLinearAttention.Config> {
    public LinearAttentionFormat() {
        super(
                CausalLinearAttention.Config.class,
                MixerOption.derivedWhole("state-size", "the width of a teacher's head", 1, "N, of each head"),
                "d_state");
    }

    @Override
    public String name() {
        return "linear-attention";
    }

    @Override
    public String description() {
        return "linear attention without feature map or normalizer, M = tril(C B^T)";
    }

    @Override
    public String coreType() {
        return "org.mohawk4j.causal_linear_attention";
    }

    @Override
    CausalLinearAttention.Config create(long width, long inner, int heads, int size, int chunk) {
        return new CausalLinearAttention.Config(width, inner, heads, size, chunk);
    }

    @Override
    int sizeFor(TeacherLayer replaced) {
        return Math.toIntExact(replaced.mixer().innerWidth() / replaced.mixer().heads());
    }

    @Override
    long sizeOf(CausalLinearAttention.Config config) {
        return config.stateSize();
    }

    @Override
    int chunkOf(CausalLinearAttention.Config config) {
        return config.chunk();
    }
}
