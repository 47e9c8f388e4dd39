package org.mohawk4j.nn;

import java.util.random.RandomGenerator;
import org.mohawk4j.op.EmbeddingFunction;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.Shape;

/** A vector per token: int32 ids [B,T] to [B,T,D]. */
public final class Embedding extends Layer {
    private static final double INITIAL_DEVIATION = 0.02;

    private final Parameter weight;

    public Embedding(Engine engine, long vocabulary, long width, RandomGenerator random) {
        super(engine);
        weight = parameter(
                "weight", Shape.of(vocabulary, width), Initializer.normal(INITIAL_DEVIATION, random.nextLong()));
    }

    /** [V,D] */
    public Tensor weight() {
        return weight.value();
    }

    public Tensor apply(Tensor ids) {
        return EmbeddingFunction.apply(weight.value(), ids);
    }
}
