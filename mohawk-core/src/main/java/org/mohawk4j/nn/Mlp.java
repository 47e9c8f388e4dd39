package org.mohawk4j.nn;

import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;
import org.mohawk4j.op.Activation;
import org.mohawk4j.op.LinearMap;
import org.mohawk4j.op.MlpFunction;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;

/** Two linear maps with an activation between: [..., D] to [..., hidden] to [..., D]. */
public final class Mlp extends FeedForward {
    private final Linear fc1;
    private final Linear fc2;
    private final Activation activation;

    /** With biases. */
    public Mlp(Engine engine, long width, long hidden, Activation activation, RandomGenerator random) {
        this(engine, width, hidden, activation, true, random);
    }

    public Mlp(Engine engine, long width, long hidden, Activation activation, boolean bias, RandomGenerator random) {
        super(engine);
        this.activation = activation;
        fc1 = part("fc1", new Linear(engine, width, hidden, bias, random));
        fc2 = part("fc2", new Linear(engine, hidden, width, bias, random));
    }

    @Override
    public List<LinearMap> inputProjections() {
        return List.of(fc1.map(activation));
    }

    @Override
    public Tensor between(List<Tensor> mapped) {
        return mapped.get(0);
    }

    @Override
    public LinearMap outputProjection() {
        return fc2.map(Activation.NONE);
    }

    @Override
    public Tensor apply(Tensor x) {
        Optional<Tensor> firstBias = fc1.bias();
        Optional<Tensor> secondBias = fc2.bias();
        if (firstBias.isEmpty() || secondBias.isEmpty()) {
            return fc2.apply(fc1.apply(x, activation));
        }
        return MlpFunction.apply(
                x, new MlpFunction.Weights(fc1.weight(), firstBias.get(), fc2.weight(), secondBias.get()), activation);
    }
}
