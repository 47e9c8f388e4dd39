package com.example.mixer;

import java.util.Optional;
import java.util.random.RandomGenerator;
import org.mohawk4j.matrix.SemiseparableMatrix;
import org.mohawk4j.mixer.MatrixMixer;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.mixer.MixerState;
import org.mohawk4j.mixer.ProjectedMixer;
import org.mohawk4j.mixer.RecurrentState;
import org.mohawk4j.nn.Initializer;
import org.mohawk4j.nn.Linear;
import org.mohawk4j.op.Activation;
import org.mohawk4j.op.Heads;
import org.mohawk4j.op.SemiseparableFunction;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;

/**
 * Gated retention: heads forget at rates that the input decides, {@code M[t,s] = exp(-sum of rates over s+1..t) c_t·b_s},
 * and {@code silu(W u)} gates what the matrix gives.
 */
public final class OwnMixer extends ProjectedMixer {
    /** D, H·P, H and N. */
    public record Config(long width, long innerWidth, int heads, int stateSize) implements MixerConfig {
        public Config {
            requireHeads("OwnMixer", width, innerWidth, heads);
        }

        @Override
        public OwnMixer create(Engine engine, RandomGenerator random) {
            return new OwnMixer(engine, this, random);
        }
    }

    private final Config config;
    private final Linear cProj;
    private final Linear bProj;
    private final Linear rateProj;
    private final Linear gateProj;

    private OwnMixer(Engine engine, Config config, RandomGenerator random) {
        super(engine, config.width(), config.innerWidth(), config.heads(), random);
        this.config = config;
        long states = (long) config.heads() * config.stateSize();
        cProj = part("c_proj", new Linear(engine, config.width(), states, false, random));
        bProj = part("b_proj", new Linear(engine, config.width(), states, false, random));
        rateProj = part("rate_proj", new Linear(engine, config.width(), heads(), true, random));
        gateProj = part("gate_proj", new Linear(engine, config.width(), config.innerWidth(), Initializer.constant(0)));
    }

    @Override
    public SemiseparableMatrix matrix(Tensor u) {
        Tensor c = Heads.split(cProj.apply(u), heads());
        Tensor b = Heads.split(bProj.apply(u), heads());
        Tensor logDecay = rateProj.apply(u).add(-4).softplus().neg();
        return new SemiseparableMatrix(c, b, logDecay, Optional.empty(), 16);
    }

    /** The gate begins as 1: silu(1.2785) is. */
    @Override
    protected Tensor output(Tensor u, Tensor mixed) {
        return super.output(u, mixed.mul(Activation.SILU.apply(gateProj.apply(u).add(1.2785))));
    }

    @Override
    public void initFrom(MatrixMixer replaced) {
        super.initFrom(replaced);
        copyScores(replaced, cProj, bProj);
    }

    /** The sum of value-key products, [B,H,P,N]. */
    @Override
    public MixerState newState(long batch) {
        long headDim = config.innerWidth() / heads();
        return new RecurrentState(engine(), engine().zeros(batch, heads(), headDim, config.stateSize()));
    }

    @Override
    public Tensor forward(Tensor u, MixerState state) {
        RecurrentState memory = (RecurrentState) state;
        SemiseparableFunction.Result result = matrix(u).multiply(values(u), Optional.of(memory.part(0)));
        memory.advance(u.dim(1), result.state());
        return output(u, Heads.merge(result.y()));
    }
}
