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
 * Several linear maps of one normalized input: what a block begins with. Where few rows come by, as in generation,
 * all of it costs as much as reading the weights, and so does one pass over them.
 */
public final class NormedLinearsFunction {
    private NormedLinearsFunction() {}

    /**
     * Layer normalization, as {@link LayerNormFunction#apply}, or without a bias RMS normalization, as
     * {@link RmsNormFunction#apply}.
     *
     * @param weight [D]
     * @param bias [D]
     */
    public record Norm(Tensor weight, Optional<Tensor> bias, double epsilon) {
        public Norm {
            Arguments.positive("norm: epsilon", epsilon);
        }

        /** Layer normalization. */
        public Norm(Tensor weight, Tensor bias, double epsilon) {
            this(weight, Optional.of(bias), epsilon);
        }

        /** What a kernel sees of it. */
        public record Arrays(Array weight, Optional<Array> bias, double epsilon) {}

        public Tensor apply(Tensor x) {
            return bias.map(shift -> LayerNormFunction.apply(x, weight, shift, epsilon))
                    .orElseGet(() -> RmsNormFunction.apply(x, weight, epsilon));
        }

        /** @throws IllegalArgumentException if this cannot be applied to x [..., D] */
        public void requireFits(Tensor x) {
            bias.ifPresentOrElse(
                    shift -> LayerNormFunction.requireShapes(x, weight, shift),
                    () -> RmsNormFunction.requireShapes(x, weight));
        }

        Stream<Tensor> tensors() {
            return Stream.concat(Stream.of(weight), bias.stream());
        }

        public Arrays arrays() {
            return new Arrays(weight.array(), bias.map(Tensor::array), epsilon);
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
        norm.requireFits(x);
        maps.forEach(map -> map.requireFits(x));
        if (isTracked(x, norm, maps)) {
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

    /** Whether a gradient by any of these may be asked for. */
    public static boolean isTracked(Tensor x, Norm norm, List<LinearMap> maps) {
        return Stream.of(Stream.of(x), norm.tensors(), maps.stream().flatMap(LinearMap::tensors))
                .flatMap(tensors -> tensors)
                .anyMatch(x.engine()::isTracked);
    }

    public static List<Tensor> reference(Tensor x, Norm norm, List<LinearMap> maps, DType result) {
        Tensor u = norm.apply(x).cast(result);
        return maps.stream().map(map -> map.apply(u)).toList();
    }
}
