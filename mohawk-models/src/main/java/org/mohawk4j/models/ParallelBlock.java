package org.mohawk4j.models;

import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;
import org.mohawk4j.mixer.FusableProjections;
import org.mohawk4j.mixer.MatrixMixer;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.mixer.MixerState;
import org.mohawk4j.nn.FeedForward;
import org.mohawk4j.nn.Norm;
import org.mohawk4j.op.Activation;
import org.mohawk4j.op.LinearMap;
import org.mohawk4j.op.ResidualFunction;
import org.mohawk4j.op.ResidualNormFunction.Normed;
import org.mohawk4j.op.SummedLinearsFunction;
import org.mohawk4j.op.SummedLinearsFunction.Term;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;

/** Phi's block, with mixer and MLP side by side: {@code h + mixer(norm(h)) + mlp(norm(h))}. */
public final class ParallelBlock extends Block {
    /** Makes these blocks. */
    public static final BlockForm FORM = ParallelBlock::new;

    private final Norm norm;
    private final MatrixMixer mixer;
    private final FeedForward mlp;

    public ParallelBlock(Engine engine, CausalLmConfig config, MixerConfig mixerConfig, RandomGenerator random) {
        super(engine);
        norm = part("input_layernorm", config.block().norm().create(engine, config.width()));
        mixer = part("mixer", mixerConfig.create(engine, random));
        mlp = part("mlp", config.block().mlp().create(engine, config.width(), random));
    }

    @Override
    public MatrixMixer mixer() {
        return mixer;
    }

    @Override
    public Norm norm() {
        return norm;
    }

    @Override
    public Tensor combine(Tensor h, Tensor u, Tensor mixed) {
        return ResidualFunction.apply(h, mixed, mlp.apply(u));
    }

    @Override
    public Normed forward(Normed in, Norm next) {
        Tensor u = in.normalized();
        return next.ofSum(in.sum(), mixer.forward(u), mlp.apply(u));
    }

    /** Where the mixer lets it: its first maps beside the MLP's, its last one beside the MLP's. */
    @Override
    public Tensor forward(Tensor h, MixerState state) {
        if (!(mixer instanceof FusableProjections ends)) {
            return super.forward(h, state);
        }
        List<LinearMap> maps = new ArrayList<>();
        ends.inputProjections().forEach(map -> maps.add(map.map(Activation.NONE)));
        int own = maps.size();
        maps.addAll(mlp.inputProjections());
        List<Tensor> mapped = norm.thenMaps(h, maps, engine().backend().productType());
        Tensor between = ends.between(mapped.subList(0, own), state);
        return SummedLinearsFunction.apply(
                h,
                List.of(
                        new Term(between, ends.outputProjection().map(Activation.NONE)),
                        new Term(mlp.between(mapped.subList(own, mapped.size())), mlp.outputProjection())));
    }
}
