package org.mohawk4j.train.stage;

import java.util.Optional;
import java.util.random.RandomGenerator;
import org.mohawk4j.matrix.DenseMatrix;
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
 * A mixer as a user may write one. Of tensor operations alone: {@code M[t,s] = c_t·b_s / (t + 1)} for s ≤ t. Or decaying, by a
 * structure of the library: {@code M[t,s] = exp(-softplus(rate) · (t - s)) c_t·b_s}.
 */
final class UserMixer extends ProjectedMixer {
    /** Its dimensions: D, H and N. */
    record Config(long width, int heads, int stateSize, boolean decaying) implements MixerConfig {
        @Override
        public UserMixer create(Engine engine, RandomGenerator random) {
            return new UserMixer(engine, this, random);
        }
    }

    private final Linear cProj;
    private final Linear bProj;
    private final Optional<Parameter> rate;

    private UserMixer(Engine engine, Config config, RandomGenerator random) {
        super(engine, config.width(), config.heads(), random);
        long states = (long) config.heads() * config.stateSize();
        cProj = part("c_proj", new Linear(engine, config.width(), states, false, random));
        bProj = part("b_proj", new Linear(engine, config.width(), states, false, random));
        rate = config.decaying()
                ? Optional.of(parameter("rate", Shape.of(config.heads()), Initializer.constant(0)))
                : Optional.empty();
    }

    @Override
    public MixingMatrix matrix(Tensor u) {
        Tensor c = Heads.split(cProj.apply(u), heads());
        Tensor b = Heads.split(bProj.apply(u), heads());
        return rate.map(own -> decaying(c, b, own.value())).orElseGet(() -> averaging(c, b));
    }

    private MixingMatrix decaying(Tensor c, Tensor b, Tensor rate) {
        Tensor logDecay = rate.softplus().neg().broadcastTo(Shape.of(c.dim(0), c.dim(1), heads()));
        return new SemiseparableMatrix(c, b, logDecay, Optional.empty(), 64);
    }

    private static MixingMatrix averaging(Tensor c, Tensor b) {
        Tensor scores = c.permute(0, 2, 1, 3).matmul(false, b.permute(0, 2, 1, 3), true);
        Tensor seen = c.engine().full(1, c.dim(1), 1).cumsum(0);
        return new DenseMatrix(scores.div(seen).tril(0, 0));
    }
}
