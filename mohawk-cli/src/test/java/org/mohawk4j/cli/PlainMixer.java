package org.mohawk4j.cli;

import java.util.random.RandomGenerator;
import org.mohawk4j.matrix.DenseMatrix;
import org.mohawk4j.matrix.MixingMatrix;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.mixer.ProjectedMixer;
import org.mohawk4j.nn.Linear;
import org.mohawk4j.op.Heads;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;

/** A mixer as a user may write one, of tensor operations alone: {@code M[t,s] = c_t·b_s / (t + 1)} for s ≤ t. */
final class PlainMixer extends ProjectedMixer {
    /** Its dimensions: D, H and N. */
    record Config(long width, int heads, int stateSize) implements MixerConfig {
        @Override
        public PlainMixer create(Engine engine, RandomGenerator random) {
            return new PlainMixer(engine, this, random);
        }
    }

    private final Linear cProj;
    private final Linear bProj;

    private PlainMixer(Engine engine, Config config, RandomGenerator random) {
        super(engine, config.width(), config.heads(), random);
        long states = (long) config.heads() * config.stateSize();
        cProj = part("c_proj", new Linear(engine, config.width(), states, false, random));
        bProj = part("b_proj", new Linear(engine, config.width(), states, false, random));
    }

    @Override
    public MixingMatrix matrix(Tensor u) {
        Tensor c = Heads.split(cProj.apply(u), heads()).permute(0, 2, 1, 3);
        Tensor b = Heads.split(bProj.apply(u), heads()).permute(0, 2, 1, 3);
        long time = u.dim(1);
        Tensor seen = u.engine().full(1, time, 1).cumsum(0);
        return new DenseMatrix(c.matmul(false, b, true).div(seen).tril(0, 0));
    }
}
