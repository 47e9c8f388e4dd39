package com.example.teacher;

import java.util.random.RandomGenerator;
import org.mohawk4j.matrix.DenseMatrix;
import org.mohawk4j.mixer.AttentionWeights;
import org.mohawk4j.mixer.KeyValueCache;
import org.mohawk4j.mixer.MatrixMixer;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.mixer.MixerState;
import org.mohawk4j.nn.Initializer;
import org.mohawk4j.nn.Linear;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.op.AttentionFunction;
import org.mohawk4j.op.Heads;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.Shape;

/**
 * Causal attention with linear biases in the place of a rotary embedding (ALiBi, arXiv 2108.12409): a score loses its
 * head's slope for each position between query and key. The slopes are learned.
 */
public final class AlibiAttention extends MatrixMixer implements AttentionWeights {
    /** D, H and P; H·P need not be D. */
    public record Config(long width, int heads, int headDim) implements MixerConfig {
        @Override
        public long innerWidth() {
            return (long) heads * headDim;
        }

        @Override
        public AlibiAttention create(Engine engine, RandomGenerator random) {
            return new AlibiAttention(engine, this, random);
        }
    }

    private final Config config;
    private final Linear query;
    private final Linear key;
    private final Linear value;
    private final Linear output;
    private final Parameter slopes;

    private AlibiAttention(Engine engine, Config config, RandomGenerator random) {
        super(engine, config.heads());
        this.config = config;
        long inner = config.innerWidth();
        query = part("query", new Linear(engine, config.width(), inner, false, random));
        key = part("key", new Linear(engine, config.width(), inner, false, random));
        value = part("value", new Linear(engine, config.width(), inner, false, random));
        output = part("output", new Linear(engine, inner, config.width(), false, random));
        // as ALiBi has them
        slopes = parameter("slopes", Shape.of(heads()), Initializer.byIndex(head -> Math.pow(2, -8.0 * (head + 1) / heads())));
    }

    @Override
    public DenseMatrix matrix(Tensor u) {
        return new DenseMatrix(weights(split(query, u), split(key, u)));
    }

    @Override
    protected Tensor values(Tensor u) {
        return split(value, u);
    }

    @Override
    protected Tensor output(Tensor u, Tensor mixed) {
        return output.apply(mixed);
    }

    @Override
    public MixerState newState(long batch) {
        return new KeyValueCache(engine(), batch, heads(), headDim());
    }

    @Override
    public Tensor forward(Tensor u, MixerState state) {
        KeyValueCache cache = (KeyValueCache) state;
        cache.append(split(key, u), split(value, u));
        Tensor values = cache.values().permute(0, 2, 1, 3);
        Tensor mixed = weights(split(query, u), cache.keys()).matmul(values);
        return output(u, Heads.merge(mixed.permute(0, 2, 1, 3)));
    }

    /** [B,H,Tq,T] of queries [B,Tq,H,P], the last of T positions, and keys [B,T,H,P]. */
    private Tensor weights(Tensor queries, Tensor keys) {
        long count = queries.dim(1);
        long seen = keys.dim(1);
        Tensor at = engine().full(1, seen).cumsum(0);
        Tensor distance = at.narrow(0, seen - count, count).reshape(count, 1).sub(at);
        Tensor products = queries.permute(0, 2, 1, 3).matmul(false, keys.permute(0, 2, 1, 3), true);
        Tensor bias = slopes.value().reshape(heads(), 1, 1).mul(distance);
        return products.mul(scale()).sub(bias).tril(seen - count, AttentionFunction.MASKED).softmax();
    }

    private Tensor split(Linear map, Tensor u) {
        return Heads.split(map.apply(u), heads());
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
    public Tensor query() {
        return query.weight();
    }

    @Override
    public Tensor key() {
        return key.weight();
    }

    @Override
    public Tensor value() {
        return value.weight();
    }

    @Override
    public Tensor output() {
        return output.weight();
    }
}
