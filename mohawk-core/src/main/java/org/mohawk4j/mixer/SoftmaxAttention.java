package org.mohawk4j.mixer;

import java.util.List;
import java.util.random.RandomGenerator;
import org.mohawk4j.Arguments;
import org.mohawk4j.functional.AttentionFunction;
import org.mohawk4j.functional.Heads;
import org.mohawk4j.layer.Linear;
import org.mohawk4j.layer.RotaryEmbedding;
import org.mohawk4j.matrix.SoftmaxMatrix;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Shape;
import org.mohawk4j.tensor.Tensor;

/**
 * Causal softmax attention with rotary position embedding on part of each head, biases everywhere, scores scaled by
 * 1/sqrt(P): as Hugging Face's Phi computes it, with its parameter names.
 */
public final class SoftmaxAttention extends MatrixMixer implements LinearEnds {
    /**
     * @param width D
     * @param heads H, dividing D
     * @param keyValueHeads G, dividing H
     * @param rotaryDim entries of each head that turn with position
     * @param ropeTheta base of the rotation frequencies
     */
    public record Config(long width, int heads, int keyValueHeads, int rotaryDim, double ropeTheta)
            implements MixerConfig {
        public Config {
            Arguments.atLeast(1, "attention: width", width);
            if (heads <= 0 || width % heads != 0 || keyValueHeads <= 0 || heads % keyValueHeads != 0) {
                throw new IllegalArgumentException("attention of width " + width + ": " + heads + " heads and "
                        + keyValueHeads + " key/value heads do not divide it");
            }
            RotaryEmbedding.requireFits(width / heads, rotaryDim, ropeTheta);
        }

        /** P. */
        public int headDim() {
            return Math.toIntExact(width / heads);
        }

        @Override
        public SoftmaxAttention create(Engine engine, RandomGenerator random) {
            return new SoftmaxAttention(engine, this, random);
        }
    }

    private final Config config;
    private final Linear qProj;
    private final Linear kProj;
    private final Linear vProj;
    private final Linear dense;
    private final RotaryEmbedding rotary;

    public SoftmaxAttention(Engine engine, Config config, RandomGenerator random) {
        super(engine, config.heads());
        this.config = config;
        long keyWidth = (long) config.keyValueHeads() * config.headDim();
        qProj = part("q_proj", new Linear(engine, config.width(), config.width(), true, random));
        kProj = part("k_proj", new Linear(engine, config.width(), keyWidth, true, random));
        vProj = part("v_proj", new Linear(engine, config.width(), keyWidth, true, random));
        dense = part("dense", new Linear(engine, config.width(), config.width(), true, random));
        rotary = part("rotary", new RotaryEmbedding(engine, config.headDim(), config.rotaryDim(), config.ropeTheta()));
    }

    public Config config() {
        return config;
    }

    /** The weights as they are, in the current scope. */
    public AttentionMaps maps() {
        return new AttentionMaps(
                perHead(qProj, config.heads()),
                perHead(kProj, config.keyValueHeads()),
                perHead(vProj, config.keyValueHeads()),
                dense.weight());
    }

    private Tensor perHead(Linear projection, int own) {
        Tensor weight = projection.weight();
        long each = (long) config.headDim() * config.width();
        return weight.reshape(own, 1, each)
                .broadcastTo(Shape.of(own, config.heads() / own, each))
                .reshape(config.heads(), config.headDim(), config.width());
    }

    @Override
    public SoftmaxMatrix matrix(Tensor u) {
        return new SoftmaxMatrix(
                turned(qProj.apply(u), config.heads(), 0), turned(kProj.apply(u), config.keyValueHeads(), 0), scale());
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
        return new KeyValueCache(engine(), batch, config.keyValueHeads(), config.headDim());
    }

    @Override
    public Tensor forward(Tensor u, MixerState state) {
        return continued(u, state);
    }

    @Override
    public List<Linear> firstMaps() {
        return List.of(qProj, kProj, vProj);
    }

    @Override
    public Linear lastMap() {
        return dense;
    }

    @Override
    public Tensor between(List<Tensor> mapped, MixerState state) {
        KeyValueCache cache = (KeyValueCache) state;
        Tensor q = turned(mapped.get(0), config.heads(), cache.position());
        cache.append(
                turned(mapped.get(1), config.keyValueHeads(), cache.position()),
                Heads.split(mapped.get(2), config.keyValueHeads()));
        return Heads.merge(AttentionFunction.apply(q, cache.keys(), cache.values(), scale()));
    }

    private Tensor turned(Tensor projected, long heads, long position) {
        return rotary.apply(Heads.split(projected, heads), position);
    }

    private double scale() {
        return 1 / Math.sqrt(config.headDim());
    }
}
