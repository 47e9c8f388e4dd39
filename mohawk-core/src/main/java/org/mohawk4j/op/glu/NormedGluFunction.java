package org.mohawk4j.op.glu;

import java.util.List;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.FusedOp;
import org.mohawk4j.op.Activation;
import org.mohawk4j.op.LinearMap;
import org.mohawk4j.op.NormedLinearsFunction;
import org.mohawk4j.op.NormedLinearsFunction.Norm;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;

/**
 * The first half of a gated MLP on a normalized input, {@code activation(u Gᵀ + b) · (u Uᵀ + c)}: as
 * {@link NormedLinearsFunction}, for where few rows come by.
 */
public final class NormedGluFunction {
    private NormedGluFunction() {}

    /** All of it at once, for rows that no gradient is wanted of. */
    public interface FusedNormedGlu extends FusedOp {
        /**
         * @param x [R,D]
         * @param gate [F,D], whose activation is what is applied to it
         * @param up [F,D]
         */
        boolean supports(Array x, Norm.Arrays norm, LinearMap.Arrays gate, LinearMap.Arrays up);

        /**
         * @param x [R,D]
         * @return [R,F] in the type of products
         */
        Array forward(Array x, Norm.Arrays norm, LinearMap.Arrays gate, LinearMap.Arrays up);
    }

    /**
     * @param x [..., D]
     * @param gate to [..., F], with the activation
     * @param up to [..., F]
     * @return [..., F] in the type of products
     */
    public static Tensor apply(Tensor x, Norm norm, LinearMap gate, LinearMap up) {
        Engine engine = x.engine();
        norm.requireFits(x);
        gate.requireFits(x);
        up.requireFits(x);
        if (NormedLinearsFunction.isTracked(x, norm, List.of(gate, up))) {
            return reference(x, norm, gate, up);
        }
        Array rows = x.reshape(-1, x.dim(-1)).array();
        return engine.backend()
                .fused(FusedNormedGlu.class)
                .filter(kernel -> kernel.supports(rows, norm.arrays(), gate.arrays(), up.arrays()))
                .map(kernel -> engine.wrap(kernel.forward(rows, norm.arrays(), gate.arrays(), up.arrays()))
                        .reshape(x.shape().with(-1, gate.weight().dim(0)).toArray()))
                .orElseGet(() -> reference(x, norm, gate, up));
    }

    public static Tensor reference(Tensor x, Norm norm, LinearMap gate, LinearMap up) {
        Tensor u = norm.apply(x).cast(x.engine().backend().productType());
        LinearMap bare = new LinearMap(gate.weight(), gate.bias(), Activation.NONE);
        return GluFunction.apply(bare.apply(u), up.apply(u), gate.activation());
    }
}
