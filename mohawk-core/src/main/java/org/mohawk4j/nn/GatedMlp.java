package org.mohawk4j.nn;

import java.util.List;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import org.mohawk4j.op.Activation;
import org.mohawk4j.op.LinearMap;
import org.mohawk4j.op.glu.GatedMlpFunction;
import org.mohawk4j.op.glu.GluFunction;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;

/** {@code down(activation(gate(x)) · up(x))}: [..., D] to [..., hidden] to [..., D], with Llama's names. */
public final class GatedMlp extends FeedForward {
    private final Linear gate;
    private final Linear up;
    private final Linear down;
    private final Activation activation;

    public GatedMlp(
            Engine engine, long width, long hidden, Activation activation, boolean bias, RandomGenerator random) {
        super(engine);
        this.activation = activation;
        gate = part("gate_proj", new Linear(engine, width, hidden, bias, random));
        up = part("up_proj", new Linear(engine, width, hidden, bias, random));
        down = part("down_proj", new Linear(engine, hidden, width, bias, random));
    }

    /** The activation is not among them: where it is applied, so is the product with what it gates. */
    @Override
    public List<LinearMap> inputProjections() {
        return List.of(gate.map(Activation.NONE), up.map(Activation.NONE));
    }

    @Override
    public Tensor between(List<Tensor> mapped) {
        return GluFunction.apply(mapped.get(0), mapped.get(1), activation);
    }

    @Override
    public Tensor between(Norm norm, Tensor x) {
        return norm.thenGlu(x, gate.map(activation), up.map(Activation.NONE));
    }

    @Override
    public LinearMap outputProjection() {
        return down.map(Activation.NONE);
    }

    @Override
    public Tensor apply(Tensor x) {
        if (Stream.of(gate, up, down).anyMatch(map -> map.bias().isPresent())) {
            return down.apply(GluFunction.apply(gate.apply(x), up.apply(x), activation));
        }
        return GatedMlpFunction.apply(
                x, new GatedMlpFunction.Weights(gate.weight(), up.weight(), down.weight()), activation);
    }
}
