package org.mohawk4j.nn;

import java.util.List;
import org.mohawk4j.op.LinearMap;
import org.mohawk4j.op.ResidualFunction;
import org.mohawk4j.op.ResidualNormFunction.Normed;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;

/** A normalisation over the last axis, [..., D] to [..., D]. */
public abstract class Norm extends Layer {
    protected Norm(Engine engine) {
        super(engine);
    }

    public abstract Tensor apply(Tensor x);

    /** The residual sum {@code h + a} of two tensors of one shape, and this normalisation of it. */
    public Normed ofSum(Tensor h, Tensor a) {
        Tensor sum = h.add(a);
        return new Normed(sum, apply(sum));
    }

    /** The residual sum {@code h + a + b} of three tensors of one shape, and this normalisation of it. */
    public Normed ofSum(Tensor h, Tensor a, Tensor b) {
        Tensor sum = ResidualFunction.apply(h, a, b);
        return new Normed(sum, apply(sum));
    }

    /**
     * Linear maps of the normalised input: what a block begins with.
     *
     * @param x [..., D]
     * @param result of what type the results are, the backend's type of products or that of parameters
     * @return [..., E] for each map
     */
    public List<Tensor> thenMaps(Tensor x, List<LinearMap> maps, DType result) {
        Tensor u = apply(x).cast(result);
        return maps.stream().map(map -> map.apply(u)).toList();
    }
}
