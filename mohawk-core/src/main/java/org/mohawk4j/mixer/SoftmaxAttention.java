package org.mohawk4j.mixer;

import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;
import org.mohawk4j.Arguments;
import org.mohawk4j.Records;
import org.mohawk4j.matrix.SoftmaxMatrix;
import org.mohawk4j.nn.Linear;
import org.mohawk4j.nn.RmsNorm;
import org.mohawk4j.nn.RotaryConfig;
import org.mohawk4j.nn.RotaryEmbedding;
import org.mohawk4j.op.AttentionFunction;
import org.mohawk4j.op.AttentionScores;
import org.mohawk4j.op.Heads;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.Shape;

/**
 * Causal softmax attention with rotary position embedding on all or part of each head, as Hugging Face's decoders compute
 * it, with Phi's parameter names.
 */
public final class SoftmaxAttention extends MatrixMixer implements AttentionWeights, FusableProjections {
    /**
     * @param width D
     * @param heads H
     * @param keyValueHeads G, dividing H
     * @param headDim P; H·P need not be D
     */
    public record Config(
            long width,
            int heads,
            int keyValueHeads,
            int headDim,
            Projections projections,
            RotaryConfig rotary,
            AttentionScores scores)
            implements MixerConfig {
        public Config {
            Arguments.atLeast(1, "attention: width", width);
            if (headDim <= 0) {
                throw new IllegalArgumentException("attention with heads of " + headDim + " entries");
            }
            requireHeads(width, heads, keyValueHeads);
            rotary.requireFits(headDim);
        }

        /** With scores scaled by 1/√P, of all positions up to the query's. */
        public Config(
                long width,
                int heads,
                int keyValueHeads,
                int headDim,
                Biases biases,
                RotaryConfig rotary,
                Optional<QueryKeyNorm> queryKeyNorm) {
            this(
                    width,
                    heads,
                    keyValueHeads,
                    headDim,
                    new Projections(biases, queryKeyNorm),
                    rotary,
                    AttentionScores.ofHeads(Math.max(1, headDim)));
        }

        /**
         * As Phi has it: H·P = D, biases everywhere, no norms.
         *
         * @param rotaryDim entries of each head that turn with position
         * @param ropeTheta base of the rotation frequencies
         */
        public Config(long width, int heads, int keyValueHeads, int rotaryDim, double ropeTheta) {
            this(
                    width,
                    heads,
                    keyValueHeads,
                    share(width, heads, keyValueHeads),
                    Biases.ALL,
                    new RotaryConfig(rotaryDim, ropeTheta),
                    Optional.empty());
        }

        private static int share(long width, int heads, int keyValueHeads) {
            if (heads > 0 && width % heads == 0) {
                return Math.toIntExact(width / heads);
            }
            throw indivisible(width, heads, keyValueHeads);
        }

        private static void requireHeads(long width, int heads, int keyValueHeads) {
            if (heads <= 0 || keyValueHeads <= 0 || heads % keyValueHeads != 0) {
                throw indivisible(width, heads, keyValueHeads);
            }
        }

        private static IllegalArgumentException indivisible(long width, int heads, int keyValueHeads) {
            return new IllegalArgumentException("attention of width " + width + ": " + heads + " heads and "
                    + keyValueHeads + " key/value heads do not divide it");
        }

        public Biases biases() {
            return projections.biases();
        }

        public Optional<QueryKeyNorm> queryKeyNorm() {
            return projections.queryKeyNorm();
        }

        /** H·P. */
        @Override
        public long innerWidth() {
            return (long) heads * headDim;
        }

        @Override
        public SoftmaxAttention create(Engine engine, RandomGenerator random) {
            return new SoftmaxAttention(engine, this, random);
        }

        @Override
        public String toString() {
            return Records.toString(this);
        }
    }

    /** The maps from the input to queries, keys and values, and what follows them before the rotary embedding. */
    public record Projections(Biases biases, Optional<QueryKeyNorm> queryKeyNorm) {}

    /** Which projections have a bias. */
    public record Biases(boolean query, boolean key, boolean value, boolean output) {
        public static final Biases ALL = new Biases(true, true, true, true);
        public static final Biases NONE = new Biases(false, false, false, false);
    }

    /**
     * RMS norms of queries and keys, before the rotary embedding.
     *
     * @param unitOffset as of {@link RmsNorm}
     * @param acrossHeads whether one norm covers all heads together, as in OLMo 2, instead of each head alone
     */
    public record QueryKeyNorm(double epsilon, boolean unitOffset, boolean acrossHeads) {
        private RmsNorm create(Engine engine, long heads, long headDim) {
            return new RmsNorm(engine, acrossHeads ? heads * headDim : headDim, epsilon, unitOffset);
        }
    }

    private final Config config;
    private final Linear qProj;
    private final Linear kProj;
    private final Linear vProj;
    private final Linear dense;
    private final Optional<RmsNorm> qNorm;
    private final Optional<RmsNorm> kNorm;
    private final RotaryEmbedding rotary;

    public SoftmaxAttention(Engine engine, Config config, RandomGenerator random) {
        super(engine, config.heads());
        this.config = config;
        long width = config.width();
        long inner = config.innerWidth();
        long keyWidth = (long) config.keyValueHeads() * config.headDim();
        Biases biases = config.biases();
        qProj = part("q_proj", new Linear(engine, width, inner, biases.query(), random));
        kProj = part("k_proj", new Linear(engine, width, keyWidth, biases.key(), random));
        vProj = part("v_proj", new Linear(engine, width, keyWidth, biases.value(), random));
        dense = part("dense", new Linear(engine, inner, width, biases.output(), random));
        qNorm = config.queryKeyNorm()
                .map(norm -> part("q_norm", norm.create(engine, config.heads(), config.headDim())));
        kNorm = config.queryKeyNorm()
                .map(norm -> part("k_norm", norm.create(engine, config.keyValueHeads(), config.headDim())));
        rotary = part("rotary", new RotaryEmbedding(engine, config.headDim(), config.rotary()));
    }

    public Config config() {
        return config;
    }

    @Override
    public long width() {
        return config.width();
    }

    @Override
    public long headDim() {
        return config.headDim();
    }

    @Override
    public double scale() {
        return config.scores().scale();
    }

    @Override
    public Tensor query() {
        return qProj.weight();
    }

    @Override
    public Tensor key() {
        return kProj.weight();
    }

    @Override
    public Tensor scoredQuery() {
        return qNorm.map(norm -> rowsTimes(query(), norm.scale())).orElse(query());
    }

    @Override
    public Tensor scoredKey() {
        return kNorm.map(norm -> rowsTimes(key(), norm.scale())).orElse(key());
    }

    @Override
    public Optional<Tensor> scoredQueryBias() {
        return qProj.bias()
                .map(bias -> qNorm.map(norm ->
                                rowsTimes(bias.reshape(-1, 1), norm.scale()).reshape(-1))
                        .orElse(bias));
    }

    @Override
    public Optional<Tensor> valueBias() {
        return vProj.bias();
    }

    @Override
    public Optional<Tensor> outputBias() {
        return dense.bias();
    }

    /** @param scale of the rows of each head, or of all heads together */
    private static Tensor rowsTimes(Tensor map, Tensor scale) {
        double size = Math.sqrt(scale.square().mean().item());
        Tensor relative = scale.mul(size > 0 ? 1 / size : 1).reshape(1, -1);
        return map.mul(relative.broadcastTo(Shape.of(map.dim(0) / relative.dim(1), relative.dim(1)))
                .reshape(-1, 1));
    }

    @Override
    public Tensor value() {
        return vProj.weight();
    }

    @Override
    public Tensor output() {
        return dense.weight();
    }

    @Override
    public SoftmaxMatrix matrix(Tensor u) {
        return new SoftmaxMatrix(queries(qProj.apply(u), 0), keys(kProj.apply(u), 0), config.scores());
    }

    @Override
    protected Tensor values(Tensor u) {
        return Heads.split(vProj.apply(u), config.keyValueHeads());
    }

    @Override
    protected Tensor output(Tensor u, Tensor mixed) {
        return dense.apply(mixed);
    }

    @Override
    public MixerState newState(long batch) {
        return new KeyValueCache(
                engine(),
                batch,
                config.keyValueHeads(),
                config.headDim(),
                config.scores().window());
    }

    @Override
    public Tensor forward(Tensor u, MixerState state) {
        return continued(u, state);
    }

    @Override
    public List<Linear> inputProjections() {
        return List.of(qProj, kProj, vProj);
    }

    @Override
    public Linear outputProjection() {
        return dense;
    }

    @Override
    public Tensor between(List<Tensor> mapped, MixerState state) {
        KeyValueCache cache = (KeyValueCache) state;
        Tensor q = queries(mapped.get(0), cache.position());
        cache.append(keys(mapped.get(1), cache.position()), Heads.split(mapped.get(2), config.keyValueHeads()));
        return Heads.merge(AttentionFunction.apply(q, cache.keys(), cache.values(), config.scores()));
    }

    private Tensor queries(Tensor projected, long position) {
        return rotary.apply(normed(projected, qNorm, config.heads()), position);
    }

    private Tensor keys(Tensor projected, long position) {
        return rotary.apply(normed(projected, kNorm, config.keyValueHeads()), position);
    }

    /** [B,T,H·P] to [B,T,H,P]. */
    private Tensor normed(Tensor projected, Optional<RmsNorm> norm, long heads) {
        boolean acrossHeads =
                config.queryKeyNorm().filter(QueryKeyNorm::acrossHeads).isPresent();
        if (acrossHeads) {
            return Heads.split(norm.orElseThrow().apply(projected), heads);
        }
        Tensor split = Heads.split(projected, heads);
        return norm.map(each -> each.apply(split)).orElse(split);
    }
}
