package org.mohawk4j.models;

import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;
import org.mohawk4j.mixer.FusableProjections;
import org.mohawk4j.mixer.MatrixMixer;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.mixer.MixerState;
import org.mohawk4j.nn.FeedForward;
import org.mohawk4j.nn.Norm;
import org.mohawk4j.op.Activation;
import org.mohawk4j.op.LinearMap;
import org.mohawk4j.op.ResidualNormFunction.Normed;
import org.mohawk4j.op.SummedLinearsFunction;
import org.mohawk4j.op.SummedLinearsFunction.Term;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;

/**
 * The MLP behind the mixer, each added to the stream: {@code h' = h + mixer(norm(h))}, then {@code h' + mlp(norm'(h'))}.
 * Norms stand before the two, behind them (on what is added), or on both sides.
 */
public final class SequentialBlock extends Block {
    /** Norms before mixer and MLP: Llama, Mistral, Qwen. */
    public static final BlockForm PRE_NORM =
            (engine, config, mixer, random) -> new SequentialBlock(engine, config, mixer, random, Placement.BEFORE);

    /** Norms behind mixer and MLP: OLMo 2. */
    public static final BlockForm POST_NORM =
            (engine, config, mixer, random) -> new SequentialBlock(engine, config, mixer, random, Placement.BEHIND);

    /** Norms on both sides of mixer and MLP: Gemma 2 and 3. */
    public static final BlockForm SANDWICH_NORM =
            (engine, config, mixer, random) -> new SequentialBlock(engine, config, mixer, random, Placement.BOTH);

    private enum Placement {
        BEFORE,
        BEHIND,
        BOTH
    }

    private final Norm norm;
    private final MatrixMixer mixer;
    private final Optional<Norm> mixerOutputNorm;
    private final Norm mlpNorm;
    private final FeedForward mlp;
    private final Optional<Norm> mlpOutputNorm;

    private SequentialBlock(
            Engine engine,
            CausalLmConfig config,
            MixerConfig mixerConfig,
            RandomGenerator random,
            Placement placement) {
        super(engine);
        BlockConfig block = config.block();
        boolean before = placement != Placement.BEHIND;
        boolean behind = placement != Placement.BEFORE;
        norm = before ? norm("input_layernorm", config) : new Unnormed(engine);
        mixer = part("mixer", mixerConfig.create(engine, random));
        mixerOutputNorm = behind ? Optional.of(norm("mixer_output_layernorm", config)) : Optional.empty();
        mlpNorm = before ? norm("post_attention_layernorm", config) : new Unnormed(engine);
        mlp = part("mlp", block.mlp().create(engine, config.width(), random));
        mlpOutputNorm = behind ? Optional.of(norm("mlp_output_layernorm", config)) : Optional.empty();
    }

    private Norm norm(String name, CausalLmConfig config) {
        return part(name, config.block().norm().create(engine(), config.width()));
    }

    /** A copy of the residual stream in the type of linear maps' inputs, freed separately. */
    private static final class Unnormed extends Norm {
        Unnormed(Engine engine) {
            super(engine);
        }

        @Override
        public Tensor apply(Tensor x) {
            return x.affine(1, 0).cast(engine().backend().productType());
        }
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
        Normed middle = mlpNorm.ofSum(h, normed(mixed, mixerOutputNorm));
        return middle.sum().add(normed(mlp.apply(middle.normalized()), mlpOutputNorm));
    }

    @Override
    public Normed forward(Normed in, Norm next) {
        Normed middle = mlpNorm.ofSum(in.sum(), normed(mixer.forward(in.normalized()), mixerOutputNorm));
        return next.ofSum(middle.sum(), normed(mlp.apply(middle.normalized()), mlpOutputNorm));
    }

    private static Tensor normed(Tensor branch, Optional<Norm> norm) {
        return norm.map(n -> n.apply(branch)).orElse(branch);
    }

    /** Where the mixer lets it, the first maps of each half together with its norm, and the last one with its sum. */
    @Override
    public Tensor forward(Tensor h, MixerState state) {
        if (!(mixer instanceof FusableProjections ends) || mixerOutputNorm.isPresent()) {
            return super.forward(h, state);
        }
        List<LinearMap> first = ends.inputProjections().stream()
                .map(map -> map.map(Activation.NONE))
                .toList();
        Tensor between = ends.between(norm.thenMaps(h, first, productType()), state);
        Tensor middle = SummedLinearsFunction.apply(
                h, List.of(new Term(between, ends.outputProjection().map(Activation.NONE))));
        Tensor inner = mlp.between(mlpNorm, middle);
        return SummedLinearsFunction.apply(middle, List.of(new Term(inner, mlp.outputProjection())));
    }

    private DType productType() {
        return engine().backend().productType();
    }
}
