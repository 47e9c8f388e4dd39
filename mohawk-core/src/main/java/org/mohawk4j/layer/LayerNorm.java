package org.mohawk4j.layer;

import org.mohawk4j.Arguments;
import org.mohawk4j.functional.NormedLinearsFunction.Norm;
import org.mohawk4j.functional.ResidualNormFunction;
import org.mohawk4j.functional.ResidualNormFunction.Normed;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Shape;
import org.mohawk4j.tensor.Tensor;

/** Layer normalisation over the last axis, [..., D], with scale and shift. */
public final class LayerNorm extends Module {
    private final Parameter weight;
    private final Parameter bias;
    private final double epsilon;

    public LayerNorm(Engine engine, long width, double epsilon) {
        super(engine);
        Arguments.positive("layer norm: epsilon", epsilon);
        this.weight = parameter("weight", Shape.of(width), Initializer.constant(1));
        this.bias = parameter("bias", Shape.of(width), Initializer.constant(0));
        this.epsilon = epsilon;
    }

    public Tensor apply(Tensor x) {
        return norm().apply(x);
    }

    /** This normalisation as it is, to be applied together with the linear maps that follow it. */
    public Norm norm() {
        return new Norm(weight.value(), bias.value(), epsilon);
    }

    /** The sum {@code h + a + b} of three tensors of one shape, and this normalisation of it. */
    public Normed ofSum(Tensor h, Tensor a, Tensor b) {
        return ResidualNormFunction.apply(h, a, b, weight.value(), bias.value(), epsilon);
    }
}
