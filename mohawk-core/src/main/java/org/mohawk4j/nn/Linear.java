package org.mohawk4j.nn;

import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;
import org.mohawk4j.op.Activation;
import org.mohawk4j.op.LinearFunction;
import org.mohawk4j.op.LinearMap;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.Shape;

/** {@code activation(x Wᵀ + bias)}: [..., D] to [..., E]. Starts uniform in ±1/√D, as PyTorch's does. */
public final class Linear extends Layer {
    private final Parameter weight;
    private final Optional<Parameter> bias;

    public Linear(Engine engine, long in, long out, boolean withBias, RandomGenerator random) {
        super(engine);
        double bound = 1 / Math.sqrt(in);
        weight = parameter("weight", Shape.of(out, in), Initializer.uniform(bound, random.nextLong()));
        bias = withBias
                ? Optional.of(parameter("bias", Shape.of(out), Initializer.uniform(bound, random.nextLong())))
                : Optional.empty();
    }

    /** Without bias. */
    public Linear(Engine engine, long in, long out, Initializer initializer) {
        super(engine);
        weight = parameter("weight", Shape.of(out, in), initializer);
        bias = Optional.empty();
    }

    /** Names neighboring outputs, all of them in order. */
    public void nameOutputs(List<Parameter.Section> sections) {
        weight.divide(sections);
        bias.ifPresent(own -> own.divide(sections));
    }

    /** [E,D] */
    public Tensor weight() {
        return weight.value();
    }

    /** [E] */
    public Optional<Tensor> bias() {
        return bias.map(Parameter::value);
    }

    @Override
    public List<Parameter> linearWeights() {
        return List.of(weight);
    }

    /** Overwrites the weights of outputs {@code from ..} with rows [.., D]. */
    public void setRows(long from, Tensor rows) {
        weight.setRows(from, rows);
    }

    /** Multiplies the weights of some outputs. */
    public void scaleRows(long from, long length, double factor) {
        setRows(from, weight().narrow(0, from, length).mul(factor));
    }

    /** This map as it is, to be applied together with others. */
    public LinearMap map(Activation activation) {
        return new LinearMap(weight(), bias(), activation);
    }

    public Tensor apply(Tensor x) {
        return apply(x, Activation.NONE);
    }

    public Tensor apply(Tensor x, Activation activation) {
        return LinearFunction.apply(x, weight(), bias(), activation);
    }

    /** Only the outputs {@code from .. from + length - 1}, at their share of the cost. */
    public Tensor applyRows(Tensor x, long from, long length) {
        return LinearFunction.apply(
                x, weight().narrow(0, from, length), bias().map(b -> b.narrow(0, from, length)), Activation.NONE);
    }

    /** Neighboring outputs of the given lengths, which together are all; for weights without bias. */
    public List<Tensor> applyParts(Tensor x, long... lengths) {
        if (bias.isPresent()) {
            throw new IllegalStateException("a linear map with bias is not applied in parts");
        }
        // split at once, so that their gradients are joined at once
        return weight().split(0, lengths).stream()
                .map(part -> LinearFunction.apply(x, part, Optional.empty(), Activation.NONE))
                .toList();
    }
}
