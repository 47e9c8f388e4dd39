package org.mohawk4j.mixer;

import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;
import org.mohawk4j.Arguments;
import org.mohawk4j.Records;
import org.mohawk4j.matrix.LowRankMatrix;
import org.mohawk4j.nn.Linear;
import org.mohawk4j.op.Heads;
import org.mohawk4j.op.SemiseparableFunction;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;

/** Linear attention without a feature map or normalizer: {@code M = tril(C Bᵀ)}, C and B linear in the input. */
public final class CausalLinearAttention extends ProjectedMixer implements Calibratable {
    /**
     * @param width D
     * @param innerWidth H·P
     * @param heads H, dividing H·P
     * @param stateSize N
     * @param chunk Q, positions that are multiplied as one dense block
     */
    public record Config(long width, long innerWidth, int heads, int stateSize, int chunk) implements MixerConfig {
        public Config {
            requireHeads("CausalLinearAttention", width, innerWidth, heads);
            Arguments.atLeast(1, "CausalLinearAttention: state size", stateSize);
            Arguments.atLeast(1, "CausalLinearAttention: chunk", chunk);
        }

        /** As wide inside as outside: H·P = D. */
        public Config(long width, int heads, int stateSize, int chunk) {
            this(width, width, heads, stateSize, chunk);
        }

        /** As wide as another mixer, inside and outside, and with as many heads; N = 64, Q = 64. */
        public static Config like(MixerConfig other) {
            return new Config(other.width(), other.innerWidth(), other.heads(), 64, 64);
        }

        public Config withStateSize(int stateSize) {
            return new Config(width, innerWidth, heads, stateSize, chunk);
        }

        public Config withChunk(int chunk) {
            return new Config(width, innerWidth, heads, stateSize, chunk);
        }

        @Override
        public CausalLinearAttention create(Engine engine, RandomGenerator random) {
            return new CausalLinearAttention(engine, this, random);
        }

        @Override
        public String toString() {
            return Records.toString(this);
        }
    }

    private final Config config;
    private final Linear cProj;
    private final Linear bProj;

    public CausalLinearAttention(Engine engine, Config config, RandomGenerator random) {
        super(engine, config.width(), config.innerWidth(), config.heads(), random);
        this.config = config;
        long width = config.width();
        long stateWidth = (long) config.heads() * config.stateSize();
        cProj = part("c_proj", new Linear(engine, width, stateWidth, false, random));
        bProj = part("b_proj", new Linear(engine, width, stateWidth, false, random));
    }

    @Override
    public LowRankMatrix matrix(Tensor u) {
        return new LowRankMatrix(
                Heads.split(cProj.apply(u), heads()), Heads.split(bProj.apply(u), heads()), config.chunk());
    }

    /** As any {@link ProjectedMixer}; C and B as queries and keys, or means of them, if the heads divide the attention's. */
    @Override
    public void initFrom(MatrixMixer replaced) {
        super.initFrom(replaced);
        copyScores(replaced, cProj, bProj);
    }

    @Override
    public ScoreFit.Form scoreForm() {
        return new ScoreFit.Form(false, false, 1);
    }

    private int copied(AttentionWeights attention) {
        return attention.copiedScores(config.width(), heads(), config.stateSize());
    }

    private int constantDim(AttentionWeights attention) {
        return Math.min(copied(attention), config.stateSize() - 1);
    }

    @Override
    public void prepare(AttentionWeights attention, Tensor u) {
        Calibration.clearSpareRows(bProj, 0, cProj, 0, config.heads(), config.stateSize(), constantDim(attention));
    }

    @Override
    public Scores scores(Tensor u) {
        LowRankMatrix matrix = matrix(u);
        return new Scores(matrix.c(), matrix.b());
    }

    @Override
    public void calibrate(List<ScoreFit> heads, Tensor one, AttentionWeights attention) {
        int n = config.stateSize();
        Tensor row = one.reshape(1, config.width());
        for (int head = 0; head < heads.size(); head++) {
            ScoreFit fit = heads.get(head);
            long rows = (long) head * n;
            bProj.scaleRows(rows, n, fit.keyFactor());
            cProj.scaleRows(rows, n, fit.queryFactor());
            cProj.setRows(rows + constantDim(attention), row.mul(fit.constant()));
            bProj.setRows(rows + constantDim(attention), row);
        }
    }

    /** The sum of all value-key products so far, [B,H,P,N]. */
    @Override
    public MixerState newState(long batch) {
        long headDim = config.innerWidth() / config.heads();
        return new RecurrentState(engine(), engine().zeros(batch, heads(), headDim, config.stateSize()));
    }

    @Override
    public Tensor forward(Tensor u, MixerState state) {
        RecurrentState memory = (RecurrentState) state;
        SemiseparableFunction.Result result =
                matrix(u).asSemiseparable().multiply(values(u), Optional.of(memory.part(0)));
        memory.advance(u.dim(1), result.state());
        return output(u, Heads.merge(result.y()));
    }
}
