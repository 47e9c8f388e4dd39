package org.mohawk4j.tensor;

import java.util.List;
import java.util.function.UnaryOperator;

/**
 * One input of a recorded operation, with the rule that turns the gradient of its output into the gradient of this
 * input. If the input is not tracked, the rule never runs and what it needs is not stored.
 *
 * @param input what the operation was applied to
 * @param gradient the rule, written in tensor operations; its result has the input's shape
 * @param saved every tensor that the rule uses, which the tape keeps alive until the rule has run
 */
public record Edge(Tensor input, UnaryOperator<Tensor> gradient, List<Tensor> saved) {
    public static Edge of(Tensor input, UnaryOperator<Tensor> gradient, Tensor... saved) {
        return new Edge(input, gradient, List.of(saved));
    }
}
