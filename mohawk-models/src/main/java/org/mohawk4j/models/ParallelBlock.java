package org.mohawk4j.models;

import java.util.random.RandomGenerator;
import org.mohawk4j.functional.ResidualFunction;
import org.mohawk4j.functional.ResidualNormFunction.Normed;
import org.mohawk4j.layer.LayerNorm;
import org.mohawk4j.layer.Mlp;
import org.mohawk4j.mixer.MatrixMixer;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;

/** Phi's block, with mixer and MLP side by side: {@code h + mixer(norm(h)) + mlp(norm(h))}. */
public final class ParallelBlock extends Block {
    /** Makes these blocks. */
    public static final BlockForm FORM = ParallelBlock::new;

    private final LayerNorm norm;
    private final MatrixMixer mixer;
    private final Mlp mlp;

    public ParallelBlock(Engine engine, CausalLmConfig config, MixerConfig mixerConfig, RandomGenerator random) {
        super(engine);
        norm = part("input_layernorm", new LayerNorm(engine, config.width(), config.layerNormEpsilon()));
        mixer = part("mixer", mixerConfig.create(engine, random));
        mlp = part("mlp", new Mlp(engine, config.width(), config.mlpWidth(), config.activation(), random));
    }

    @Override
    public MatrixMixer mixer() {
        return mixer;
    }

    @Override
    public LayerNorm norm() {
        return norm;
    }

    @Override
    public Tensor combine(Tensor h, Tensor u, Tensor mixed) {
        return ResidualFunction.apply(h, mixed, mlp.apply(u));
    }

    @Override
    public Normed forward(Normed in, LayerNorm next) {
        Tensor u = in.normalised();
        return next.ofSum(in.sum(), mixer.forward(u), mlp.apply(u));
    }
}
