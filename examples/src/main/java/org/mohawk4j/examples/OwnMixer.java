package org.mohawk4j.examples;

import java.util.Optional;
import java.util.random.RandomGenerator;
import org.mohawk4j.matrix.MixingMatrix;
import org.mohawk4j.matrix.SemiseparableMatrix;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.mixer.ProjectedMixer;
import org.mohawk4j.nn.Initializer;
import org.mohawk4j.nn.Linear;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.op.Heads;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.Shape;

/**
 * A user-defined mixer: linear attention whose heads each forget at a learned rate that does not depend on the input,
 * {@code M[t,s] = exp(-softplus(rate) · (t - s)) c_t·b_s} (compare retention, arXiv 2307.08621). There is no gradient code: a matrix
 * made of the library's tensors and structures has one. {@link AlignOwnMixer} trains it.
 */
public final class OwnMixer extends ProjectedMixer {
    /** Its dimensions: D, H and N. */
    public record Config(long width, int heads, int stateSize) implements MixerConfig {
        @Override
        public OwnMixer create(Engine engine, RandomGenerator random) {
            return new OwnMixer(engine, this, random);
        }
    }

    private final Linear cProj;
    private final Linear bProj;
    private final Parameter rate;

    private OwnMixer(Engine engine, Config config, RandomGenerator random) {
        super(engine, config.width(), config.heads(), random);
        long states = (long) config.heads() * config.stateSize();
        cProj = part("c_proj", new Linear(engine, config.width(), states, false, random));
        bProj = part("b_proj", new Linear(engine, config.width(), states, false, random));
        rate = parameter("rate", Shape.of(config.heads()), Initializer.constant(0));
    }

    @Override
    public MixingMatrix matrix(Tensor u) {
        Tensor c = Heads.split(cProj.apply(u), heads());
        Tensor b = Heads.split(bProj.apply(u), heads());
        Tensor logDecay = rate.value().softplus().neg().broadcastTo(Shape.of(u.dim(0), u.dim(1), heads()));
        return new SemiseparableMatrix(c, b, logDecay, Optional.empty(), 64);
    }
}
