package org.mohawk4j.tensor;

import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * One input of a recorded operation, with the rule that turns the gradient of its output into the gradient of this
 * input. If the input is not tracked, the rule never runs and what it needs is not stored.
 *
 * @param input what the operation was applied to
 * @param gradient the rule, written in tensor operations; its result has the input's shape
 * @param saved every tensor that the rule uses, which the tape keeps alive until the rule has run
 * @param own whether nothing else looks at what the rule gives, so that other gradients may be added to it in place
 * @param adding the rule for where there is a gradient of the input already
 */
public record Edge(
        Tensor input, UnaryOperator<Tensor> gradient, List<Tensor> saved, boolean own, Optional<Adding> adding) {
    /** Accumulates the gradient of an input in place, which costs less than computing and adding it. */
    @FunctionalInterface
    public interface Adding {
        /**
         * @param sum of the input's shape, whose numbers change
         * @param outputGradient of the same type
         */
        void addTo(Tensor sum, Tensor outputGradient);
    }

    public static Edge of(Tensor input, UnaryOperator<Tensor> gradient, Tensor... saved) {
        return new Edge(input, gradient, List.of(saved), false, Optional.empty());
    }

    /** As {@link #of}, with a rule whose result nothing else looks at. */
    public static Edge ofOwn(Tensor input, UnaryOperator<Tensor> gradient, Tensor... saved) {
        return new Edge(input, gradient, List.of(saved), true, Optional.empty());
    }

    /** This edge with a rule that adds. */
    public Edge adding(Adding rule) {
        return new Edge(input, gradient, saved, own, Optional.of(rule));
    }
}
