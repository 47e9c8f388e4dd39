package org.mohawk4j.models;

import java.util.random.RandomGenerator;
import org.mohawk4j.nn.FeedForward;
import org.mohawk4j.nn.GatedMlp;
import org.mohawk4j.nn.Mlp;
import org.mohawk4j.op.Activation;
import org.mohawk4j.tensor.Engine;

/**
 * A block's MLP.
 *
 * @param width F, between its linear maps
 * @param gated whether it is {@code down(activation(gate x) · up x)} instead of {@code second(activation(first x))}
 * @param bias whether its linear maps have biases
 */
public record MlpConfig(long width, Activation activation, boolean gated, boolean bias) {
    /** @param outer D */
    public FeedForward create(Engine engine, long outer, RandomGenerator random) {
        return gated
                ? new GatedMlp(engine, outer, width, activation, bias, random)
                : new Mlp(engine, outer, width, activation, bias, random);
    }
}
