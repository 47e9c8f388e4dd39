package org.mohawk4j.mixer;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;
import org.mohawk4j.Arguments;
import org.mohawk4j.Records;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.FusedOp;
import org.mohawk4j.matrix.SemiseparableMatrix;
import org.mohawk4j.nn.CausalConv1d;
import org.mohawk4j.nn.Initializer;
import org.mohawk4j.nn.Linear;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.nn.Parameter.Section;
import org.mohawk4j.op.GateFunction;
import org.mohawk4j.op.Heads;
import org.mohawk4j.op.Mamba2Function;
import org.mohawk4j.op.SemiseparableFunction;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.Shape;

/**
 * Discrete Mamba-2, the mixer of Phi-Mamba (MOHAWK, arXiv 2408.10189, section 3.2): per head
 * {@code M = L ∘ (C Bᵀ) + diag(D)} with {@code L[t,s] = exp(-sum over s+1..t of softplus(A_log))}; values are not scaled
 * by a step size; the output is gated by {@code silu(z + z_bias)}. Parameter names and shapes are goombalab's.
 *
 * <p>{@code in_proj} gives, in order, x [H·P], B [G·N], C [G·N], z [H·P] and A_log [H]; a causal convolution without
 * activation follows on x, B and C. Only the rows that a result needs are computed. A new mixer starts with the identity
 * as its convolution, a gate of 1 and a skip of 1, so that it is its bare matrix.
 */
public final class DiscreteMamba2 extends MatrixMixer implements FusableProjections, Calibratable {
    /** Parts of the recurrent state: the convolution's last inputs [B,K-1,C], the state-space state [B,H,P,N]. */
    private static final int HISTORY = 0;

    private static final int STATE = 1;

    /** Where silu is 1. */
    private static final double OPEN_GATE = 1.278464542761074;

    /**
     * @param width D
     * @param innerWidth H·P
     * @param heads H, dividing H·P
     * @param groups G, dividing H: heads of B and C, each serving H/G heads in a row
     * @param stateSize N
     * @param convWidth K
     * @param chunk Q, positions that are multiplied as one dense block
     */
    public record Config(long width, long innerWidth, int heads, int groups, int stateSize, int convWidth, int chunk)
            implements MixerConfig {
        public Config {
            Arguments.atLeast(1, "Mamba-2 mixer: width", width);
            if (heads <= 0 || innerWidth <= 0 || innerWidth % heads != 0 || groups <= 0 || heads % groups != 0) {
                throw new IllegalArgumentException("Mamba-2 mixer of width " + innerWidth + ": " + heads + " heads and "
                        + groups + " groups do not divide it");
            }
            if (stateSize <= 0 || convWidth < 2 || chunk <= 0) {
                throw new IllegalArgumentException("Mamba-2 mixer needs a state size of 1 or more, a convolution"
                        + " width of 2 or more and a chunk of 1 or more; got " + stateSize + ", " + convWidth + " and "
                        + chunk);
            }
        }

        /** As wide inside as outside: H·P = D. */
        public Config(long width, int heads, int groups, int stateSize, int convWidth, int chunk) {
            this(width, width, heads, groups, stateSize, convWidth, chunk);
        }

        /** As wide inside as outside, with G = H, N = 64, K = 4 and Q = 64: begin here, and change what differs. */
        public static Config of(long width, int heads) {
            return new Config(width, heads, heads, 64, 4, 64);
        }

        /** As wide as another mixer, inside and outside, and with as many heads; else as {@link #of}. */
        public static Config like(MixerConfig other) {
            int heads = other.heads();
            return new Config(other.width(), other.innerWidth(), heads, heads, 64, 4, 64);
        }

        public Config withGroups(int groups) {
            return new Config(width, innerWidth, heads, groups, stateSize, convWidth, chunk);
        }

        public Config withStateSize(int stateSize) {
            return new Config(width, innerWidth, heads, groups, stateSize, convWidth, chunk);
        }

        public Config withConvWidth(int convWidth) {
            return new Config(width, innerWidth, heads, groups, stateSize, convWidth, chunk);
        }

        public Config withChunk(int chunk) {
            return new Config(width, innerWidth, heads, groups, stateSize, convWidth, chunk);
        }

        @Override
        public DiscreteMamba2 create(Engine engine, RandomGenerator random) {
            return new DiscreteMamba2(engine, this, random);
        }

        @Override
        public String toString() {
            return Records.toString(this);
        }

        private Mamba2Function.Config between() {
            return new Mamba2Function.Config(innerWidth, heads, groups, stateSize, chunk);
        }
    }

    private final Config config;
    private final Mamba2Function.Config between;
    private final Parameter zBias;
    private final Parameter skip;
    private final Linear inProj;
    private final CausalConv1d conv;
    private final Linear outProj;

    public DiscreteMamba2(Engine engine, Config config, RandomGenerator random) {
        super(engine, config.heads());
        this.config = config;
        this.between = config.between();
        zBias = parameter("z_bias", Shape.of(config.innerWidth()), Initializer.constant(OPEN_GATE));
        skip = parameter("D", Shape.of(config.heads()), Initializer.constant(1));
        Initializer projection = Initializer.uniform(1 / Math.sqrt(config.width()), random.nextLong())
                .withZeroRows(between.convChannels(), config.innerWidth());
        inProj = part(
                "in_proj",
                new Linear(
                        engine,
                        config.width(),
                        between.convChannels() + config.innerWidth() + config.heads(),
                        projection));
        conv = part("conv1d", new CausalConv1d(engine, between.convChannels(), config.convWidth()));
        outProj = part("out_proj", new Linear(engine, config.innerWidth(), config.width(), false, random));
        List<Section> channels = List.of(
                new Section("x", config.innerWidth()),
                new Section("B", between.stateWidth()),
                new Section("C", between.stateWidth()));
        conv.nameChannels(channels);
        List<Section> outputs = new ArrayList<>(channels);
        outputs.add(new Section("z", config.innerWidth()));
        outputs.add(new Section("A_log", config.heads()));
        inProj.nameOutputs(outputs);
    }

    public Config config() {
        return config;
    }

    /**
     * Values and output as an attention's of the same widths; C and B as its queries and keys, or the means of those that
     * share a group, if the groups divide its heads.
     */
    @Override
    public void initFrom(MatrixMixer replaced) {
        if (!(replaced instanceof AttentionWeights attention) || !attention.fits(config.width(), config.innerWidth())) {
            return;
        }
        try (Scope scope = engine().scope()) {
            attention.copyTo(inProj, outProj);
            if (copied(attention) > 0) {
                long from = config.innerWidth();
                int n = config.stateSize();
                attention.copyScores(attention.scoredKey(), inProj, from, config.groups(), n);
                attention.copyScores(attention.scoredQuery(), inProj, from + between.stateWidth(), config.groups(), n);
            }
        }
    }

    @Override
    public ScoreFit.Form scoreForm() {
        return new ScoreFit.Form(true, true, config.convWidth());
    }

    /** The state dimension, of each group, that represents the constant. */
    private int constantDim(AttentionWeights attention) {
        return Math.min(copied(attention), config.stateSize() - 1);
    }

    /** State dimensions that {@link #initFrom} copies. */
    private int copied(AttentionWeights attention) {
        return attention.fits(config.width(), config.innerWidth())
                ? attention.copiedScores(config.width(), config.groups(), config.stateSize())
                : 0;
    }

    @Override
    public void prepare(AttentionWeights attention, Tensor u) {
        long bRows = config.innerWidth();
        Calibration.clearSpareRows(
                inProj,
                bRows,
                inProj,
                bRows + between.stateWidth(),
                config.groups(),
                config.stateSize(),
                constantDim(attention));
        new CalibratedConvolution(config, conv).takeBiases(attention, copied(attention), inProj, outProj, u);
    }

    @Override
    public Scores scores(Tensor u) {
        SemiseparableMatrix matrix = matrix(u);
        return new Scores(matrix.c(), matrix.b());
    }

    @Override
    public void calibrate(List<ScoreFit> heads, Tensor one, AttentionWeights attention) {
        int n = config.stateSize();
        int shared = config.heads() / config.groups();
        long cRow = config.innerWidth() + between.stateWidth();
        for (int group = 0; group < config.groups(); group++) {
            ScoreFit fit = heads.get(group * shared);
            inProj.scaleRows(config.innerWidth() + (long) group * n, n, fit.keyFactor());
            inProj.scaleRows(cRow + (long) group * n, n, fit.queryFactor());
        }
        new CalibratedConvolution(config, conv).take(heads, constantDim(attention));
        double[] decay =
                heads.stream().mapToDouble(fit -> inverseSoftplus(fit.rate())).toArray();
        inProj.setRows(
                between.convChannels() + config.innerWidth(),
                engine().tensor(decay, decay.length, 1).mul(one.reshape(1, config.width())));
        double[] diagonal = heads.stream().mapToDouble(ScoreFit::skip).toArray();
        skip.setRows(0, engine().tensor(diagonal, diagonal.length));
    }

    private static double inverseSoftplus(double y) {
        return Math.log(Math.expm1(y));
    }

    @Override
    public SemiseparableMatrix matrix(Tensor u) {
        Tensor b = conv.apply(inProj.applyRows(u, config.innerWidth(), between.stateWidth()), config.innerWidth());
        long cRow = config.innerWidth() + between.stateWidth();
        Tensor c = conv.apply(inProj.applyRows(u, cRow, between.stateWidth()), cRow);
        return matrix(b, c, inProj.applyRows(u, between.convChannels() + config.innerWidth(), config.heads()));
    }

    @Override
    protected Tensor values(Tensor u) {
        return Heads.split(conv.apply(inProj.applyRows(u, 0, config.innerWidth()), 0), config.heads());
    }

    @Override
    protected Tensor output(Tensor u, Tensor mixed) {
        return gated(mixed, inProj.applyRows(u, between.convChannels(), config.innerWidth()));
    }

    /** In one operation where the backend has it; else with one convolution for x, B and C together. */
    @Override
    public Tensor forward(Tensor u) {
        if (Mamba2Function.kernel(u, between).isPresent()) {
            Mamba2Function.Weights weights =
                    new Mamba2Function.Weights(conv.weight(), conv.bias(), skip.value(), zBias.value());
            return outProj.apply(Mamba2Function.apply(inProj.apply(u), weights, between));
        }
        Projections in = project(u);
        Parts parts = parts(conv.applyParts(in.xBc, config.innerWidth(), between.stateWidth(), between.stateWidth()));
        return gated(Heads.merge(matrix(parts.b, parts.c, in.aLog).multiply(parts.x)), in.z);
    }

    @Override
    public MixerState newState(long batch) {
        return new RecurrentState(
                engine(),
                engine().zeros(batch, config.convWidth() - 1, between.convChannels()),
                engine().zeros(batch, config.heads(), config.innerWidth() / config.heads(), config.stateSize()));
    }

    /** Everything between the two projections for one position, with the state changed in place. No gradient. */
    public interface FusedStep extends FusedOp {
        /** What does not change from position to position. */
        record Weights(Config config, Array convWeight, Array convBias, Array skip, Array zBias) {}

        /**
         * @param projected [B, 2·H·P + 2·G·N + H], what in_proj gives
         * @param history [B,K-1,H·P + 2·G·N], float of the parameters' type
         * @param state [B,H,P,N], likewise
         * @return [B,H·P], what out_proj is applied to
         */
        Array step(Array projected, Weights weights, Array history, Array state);
    }

    @Override
    public Tensor forward(Tensor u, MixerState state) {
        return continued(u, state);
    }

    @Override
    public List<Linear> inputProjections() {
        return List.of(inProj);
    }

    @Override
    public Linear outputProjection() {
        return outProj;
    }

    @Override
    public Tensor between(List<Tensor> mapped, MixerState state) {
        RecurrentState memory = (RecurrentState) state;
        Tensor projected = mapped.get(0);
        Optional<FusedStep> step = engine().backend().fused(FusedStep.class);
        if (projected.dim(1) == 1 && step.isPresent() && !engine().isTracked(projected)) {
            return step(step.get(), projected, memory);
        }
        List<Tensor> in = projected.split(-1, between.convChannels(), config.innerWidth(), config.heads());
        Parts parts = parts(conv.continued(memory.part(HISTORY), in.get(0))
                .split(-1, config.innerWidth(), between.stateWidth(), between.stateWidth()));
        SemiseparableFunction.Result result =
                matrix(parts.b, parts.c, in.get(2)).multiply(parts.x, Optional.of(memory.part(STATE)));
        memory.advance(projected.dim(1), conv.nextHistory(memory.part(HISTORY), in.get(0)), result.state());
        return GateFunction.apply(Heads.merge(result.y()), in.get(1), zBias.value());
    }

    private Tensor step(FusedStep kernel, Tensor projected, RecurrentState memory) {
        Tensor y = engine().wrap(kernel.step(
                projected.reshape(projected.dim(0), projected.dim(2)).array(),
                new FusedStep.Weights(
                        config,
                        conv.weight().array(),
                        conv.bias().array(),
                        skip.value().array(),
                        zBias.value().array()),
                memory.part(HISTORY).array(),
                memory.part(STATE).array()));
        memory.advance(1);
        return y.reshape(y.dim(0), 1, y.dim(1));
    }

    /** What {@code in_proj} gives: x, B and C before the convolution, z, A_log. */
    private record Projections(Tensor xBc, Tensor z, Tensor aLog) {}

    private Projections project(Tensor u) {
        List<Tensor> parts = inProj.applyParts(u, between.convChannels(), config.innerWidth(), config.heads());
        return new Projections(parts.get(0), parts.get(1), parts.get(2));
    }

    private Tensor gated(Tensor mixed, Tensor z) {
        return outProj.apply(GateFunction.apply(mixed, z, zBias.value()));
    }

    /** Values [B,T,H,P], B and C [B,T,G·N]. */
    private record Parts(Tensor x, Tensor b, Tensor c) {}

    private Parts parts(List<Tensor> parts) {
        return new Parts(Heads.split(parts.get(0), config.heads()), parts.get(1), parts.get(2));
    }

    private SemiseparableMatrix matrix(Tensor b, Tensor c, Tensor aLog) {
        return new SemiseparableMatrix(
                Heads.split(c, config.groups()),
                Heads.split(b, config.groups()),
                aLog.cast(engine().parameterType()).softplus().neg(),
                Optional.of(skip.value()),
                config.chunk());
    }
}
