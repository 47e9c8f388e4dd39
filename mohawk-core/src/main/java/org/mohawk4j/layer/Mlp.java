package org.mohawk4j.layer;

import java.util.random.RandomGenerator;
import org.mohawk4j.functional.Activation;
import org.mohawk4j.functional.LinearMap;
import org.mohawk4j.functional.MlpFunction;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;

/** Two linear maps with an activation between: [..., D] to [..., hidden] to [..., D]. */
public final class Mlp extends Module {
    private final Linear fc1;
    private final Linear fc2;
    private final Activation activation;

    public Mlp(Engine engine, long width, long hidden, Activation activation, RandomGenerator random) {
        super(engine);
        this.activation = activation;
        fc1 = part("fc1", new Linear(engine, width, hidden, true, random));
        fc2 = part("fc2", new Linear(engine, hidden, width, true, random));
    }

    /** The first map, with the activation that follows. */
    public LinearMap first() {
        return fc1.map(activation);
    }

    /** The second map, of what the first one gave. */
    public LinearMap second() {
        return fc2.map(Activation.NONE);
    }

    public Tensor apply(Tensor x) {
        return MlpFunction.apply(
                x,
                new MlpFunction.Weights(
                        fc1.weight(),
                        fc1.bias().orElseThrow(),
                        fc2.weight(),
                        fc2.bias().orElseThrow()),
                activation);
    }
}
