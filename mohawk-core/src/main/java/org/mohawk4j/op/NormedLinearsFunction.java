package org.mohawk4j.op;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.mohawk4j.Arguments;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.FusedOp;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;

/**
 * Several linear maps of one layer-normalised input: what a block begins with. Where few rows come by, as in generation,
 * all of it costs as much as reading the weights, and so does one pass over them.
 */
public final class NormedLinearsFunction {
    private NormedLinearsFunction() {}

    /**
     * Layer normalisation, as {@link LayerNormFunction#apply}.
     *
     * @param weight [D]
     * @param bias [D]
     */
    public record Norm(Tensor weight, Tensor bias, double epsilon) {
        public Norm {
            Arguments.positive("layer norm: epsilon", epsilon);
        }

        /** What a kernel sees of it. */
        public record Arrays(Array weight, Array bias, double epsilon) {}

        public Tensor apply(Tensor x) {
            return LayerNormFunction.apply(x, weight, bias, epsilon);
        }

        private Arrays arrays() {
            return new Arrays(weight.array(), bias.array(), epsilon);
        }
    }

    /** All of it at once, for rows that no gradient is wanted of. */
    public interface FusedNormedLinears extends FusedOp {
        /** @param x [R,D] */
        boolean supports(Array x, Norm.Arrays norm, List<LinearMap.Arrays> maps);

        /**
         * @param x [R,D]
         * @param result the type of products, or that of parameters
         * @return [R,E] for each map
         */
        List<Array> forward(Array x, Norm.Arrays norm, List<LinearMap.Arrays> maps, DType result);
    }

    /**
     * @param x [..., D]
     * @param result of what type the results are, the backend's type of products or that of parameters
     * @return [..., E] for each map
     */
    public static List<Tensor> apply(Tensor x, Norm norm, List<LinearMap> maps, DType result) {
        Engine engine = x.engine();
        LayerNormFunction.requireShapes(x, norm.weight(), norm.bias());
        maps.forEach(map -> map.requireFits(x));
        if (Stream.concat(
                        Stream.of(x, norm.weight(), norm.bias()), maps.stream().flatMap(LinearMap::tensors))
                .anyMatch(engine::isTracked)) {
            return reference(x, norm, maps, result);
        }
        Tensor rows = x.reshape(-1, x.dim(-1));
        List<LinearMap.Arrays> arrays = maps.stream().map(LinearMap::arrays).toList();
        Optional<FusedNormedLinears> kernel = engine.backend()
                .fused(FusedNormedLinears.class)
                .filter(k -> k.supports(rows.array(), norm.arrays(), arrays));
        if (kernel.isEmpty()) {
            return reference(x, norm, maps, result);
        }
        List<Array> made = kernel.get().forward(rows.array(), norm.arrays(), arrays, result);
        List<Tensor> results = new ArrayList<>();
        for (Array array : made) {
            Tensor y = engine.wrap(array);
            results.add(y.reshape(x.shape().with(-1, y.dim(1)).toArray()));
        }
        return results;
    }

    public static List<Tensor> reference(Tensor x, Norm norm, List<LinearMap> maps, DType result) {
        Tensor u = norm.apply(x).cast(result);
        return maps.stream().map(map -> map.apply(u)).toList();
    }
}
