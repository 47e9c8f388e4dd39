package org.mohawk4j.nn;

import java.util.List;
import java.util.Optional;
import org.mohawk4j.op.Activation;
import org.mohawk4j.op.LinearMap;
import org.mohawk4j.op.NormedLinearsFunction;
import org.mohawk4j.op.ResidualFunction;
import org.mohawk4j.op.ResidualNormFunction.Normed;
import org.mohawk4j.op.glu.GluFunction;
import org.mohawk4j.op.glu.NormedGluFunction;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;

/** A normalization over the last axis, [..., D] to [..., D]. */
public abstract class Norm extends Layer {
    protected Norm(Engine engine) {
        super(engine);
    }

    public abstract Tensor apply(Tensor x);

    /** The residual sum {@code h + a} of two tensors of one shape, and this normalization of it. */
    public Normed ofSum(Tensor h, Tensor a) {
        Tensor sum = h.add(a);
        return new Normed(sum, apply(sum));
    }

    /** The residual sum {@code h + a + b} of three tensors of one shape, and this normalization of it. */
    public Normed ofSum(Tensor h, Tensor a, Tensor b) {
        Tensor sum = ResidualFunction.apply(h, a, b);
        return new Normed(sum, apply(sum));
    }

    /** This normalization in the form that can be fused with the next operation; empty: it cannot be fused. */
    protected Optional<NormedLinearsFunction.Norm> fusable() {
        return Optional.empty();
    }

    /**
     * Linear maps of the normalized input, in one operation where the backend has it: what a block begins with.
     *
     * @param x [..., D]
     * @param result of what type the results are, the backend's type of products or that of parameters
     * @return [..., E] for each map
     */
    public final List<Tensor> thenMaps(Tensor x, List<LinearMap> maps, DType result) {
        return fusable()
                .map(norm -> NormedLinearsFunction.apply(x, norm, maps, result))
                .orElseGet(() -> {
                    Tensor u = apply(x).cast(result);
                    return maps.stream().map(map -> map.apply(u)).toList();
                });
    }

    /**
     * The gated linear unit of two maps of the normalized input, in one operation where the backend has it.
     *
     * @param x [..., D]
     * @param gate to [..., F], with the activation
     * @param up to [..., F]
     * @return [..., F] in the type of products
     */
    public final Tensor thenGlu(Tensor x, LinearMap gate, LinearMap up) {
        return fusable().map(norm -> NormedGluFunction.apply(x, norm, gate, up)).orElseGet(() -> {
            LinearMap bare = new LinearMap(gate.weight(), gate.bias(), Activation.NONE);
            List<Tensor> mapped =
                    thenMaps(x, List.of(bare, up), engine().backend().productType());
            return GluFunction.apply(mapped.get(0), mapped.get(1), gate.activation());
        });
    }
}
