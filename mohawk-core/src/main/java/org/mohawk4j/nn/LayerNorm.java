package org.mohawk4j.nn;

import java.util.Optional;
import org.mohawk4j.Arguments;
import org.mohawk4j.op.NormedLinearsFunction;
import org.mohawk4j.op.ResidualNormFunction;
import org.mohawk4j.op.ResidualNormFunction.Normed;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.Shape;

/** Layer normalization over the last axis, [..., D], with scale and shift. */
public final class LayerNorm extends Norm {
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

    @Override
    public Tensor apply(Tensor x) {
        return norm().apply(x);
    }

    /** In one operation where the backend has it. */
    @Override
    public Normed ofSum(Tensor h, Tensor a, Tensor b) {
        return ResidualNormFunction.apply(h, a, b, weight.value(), bias.value(), epsilon);
    }

    @Override
    protected Optional<NormedLinearsFunction.Norm> fusable() {
        return Optional.of(norm());
    }

    private NormedLinearsFunction.Norm norm() {
        return new NormedLinearsFunction.Norm(weight.value(), bias.value(), epsilon);
    }
}
