package org.mohawk4j.nn;

import java.util.Optional;
import org.mohawk4j.op.NormedLinearsFunction;
import org.mohawk4j.op.ResidualNormFunction.Normed;
import org.mohawk4j.op.ResidualRmsNormFunction;
import org.mohawk4j.op.RmsNormFunction;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.Shape;

/** Root mean square normalization over the last axis, [..., D], with scale and without shift. */
public final class RmsNorm extends Norm {
    private final Parameter weight;
    private final double epsilon;
    private final boolean unitOffset;

    /**
     * @param width D
     * @param epsilon added to the mean of squares
     * @param unitOffset whether the scale is 1 + weight, as Gemma has it, instead of weight
     */
    public RmsNorm(Engine engine, long width, double epsilon, boolean unitOffset) {
        super(engine);
        this.weight = parameter("weight", Shape.of(width), Initializer.constant(unitOffset ? 0 : 1));
        this.epsilon = epsilon;
        this.unitOffset = unitOffset;
    }

    @Override
    public Tensor apply(Tensor x) {
        return RmsNormFunction.apply(x, scale(), epsilon);
    }

    /** In one operation where the backend has it. */
    @Override
    public Normed ofSum(Tensor h, Tensor a) {
        return ResidualRmsNormFunction.apply(h, a, scale(), epsilon);
    }

    @Override
    protected Optional<NormedLinearsFunction.Norm> fusable() {
        return Optional.of(new NormedLinearsFunction.Norm(scale(), Optional.empty(), epsilon));
    }

    /** What multiplies each of the D entries. */
    public Tensor scale() {
        return unitOffset ? weight.value().add(1) : weight.value();
    }
}
