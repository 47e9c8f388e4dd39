package org.mohawk4j.op;

import java.util.List;
import java.util.stream.Stream;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.FusedOp;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;

/**
 * A residual stream with linear maps that are added to it, {@code h + Σ (x Wᵀ + bias)}: what a block ends with. As with
 * {@link NormedLinearsFunction}, few rows cost as much as reading the weights.
 */
public final class SummedLinearsFunction {
    private SummedLinearsFunction() {}

    /**
     * What is added to the stream: a map of x [..., F].
     */
    public record Term(Tensor x, LinearMap map) {
        /** What a kernel sees of it, x as [R,F]. */
        public record Arrays(Array x, LinearMap.Arrays map) {}

        Tensor value() {
            return map.apply(x);
        }

        private void requireFits(Tensor h) {
            map.requireFits(x);
            if (!x.shape().with(-1, map.weight().dim(0)).equals(h.shape())) {
                throw new IllegalArgumentException(
                        "sum of linear maps needs h [..., D], x [..., F], weight [D,F]; got h "
                                + h.shape() + ", x " + x.shape() + ", weight "
                                + map.weight().shape());
            }
        }

        private Stream<Tensor> tensors() {
            return Stream.concat(Stream.of(x), map.tensors());
        }

        private Arrays arrays() {
            return new Arrays(x.reshape(-1, x.dim(-1)).array(), map.arrays());
        }
    }

    /** All of it at once, for rows that no gradient is wanted of. */
    public interface FusedSummedLinears extends FusedOp {
        /** @param h [R,D] */
        boolean supports(Array h, List<Term.Arrays> terms);

        /**
         * @param h [R,D]
         * @return [R,D]
         */
        Array forward(Array h, List<Term.Arrays> terms);
    }

    /**
     * @param h [..., D]
     * @param terms one or more
     * @return the shape and type of h
     */
    public static Tensor apply(Tensor h, List<Term> terms) {
        Engine engine = h.engine();
        terms.forEach(term -> term.requireFits(h));
        if (Stream.concat(Stream.of(h), terms.stream().flatMap(Term::tensors)).anyMatch(engine::isTracked)) {
            return reference(h, terms);
        }
        Array rows = h.reshape(-1, h.dim(-1)).array();
        List<Term.Arrays> arrays = terms.stream().map(Term::arrays).toList();
        return engine.backend()
                .fused(FusedSummedLinears.class)
                .filter(kernel -> kernel.supports(rows, arrays))
                .map(kernel -> engine.wrap(kernel.forward(rows, arrays))
                        .reshape(h.shape().toArray()))
                .orElseGet(() -> reference(h, terms));
    }

    public static Tensor reference(Tensor h, List<Term> terms) {
        Tensor sum = h;
        for (int i = 0; i < terms.size(); i += 2) {
            Tensor next = terms.get(i).value();
            sum = i + 1 < terms.size()
                    ? ResidualFunction.apply(sum, next, terms.get(i + 1).value())
                    : sum.add(next);
        }
        return sum;
    }
}
