package org.mohawk4j.train.stage;

import java.util.List;
import java.util.Map;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.tensor.Tensor;

/** The objective of a stage. */
public interface Objective {
    /** Of a parameter and token, forward: a multiplication and an addition. */
    double FORWARD_FLOPS = 2;

    /** Of a parameter and token, forward, for its gradient, and for the gradient of what it is applied to. */
    double TRAINING_FLOPS = 6;

    /** The student's parameters that it trains, by name. */
    Map<String, Parameter> trained();

    /**
     * Floating-point operations that the model needs for a token, by the usual estimate: {@link #FORWARD_FLOPS} for each
     * parameter that is only run, {@link #TRAINING_FLOPS} for each that is trained. Mixing along time and recomputation
     * do not count.
     */
    double flopsPerToken();

    /** The layers, from 0, that the losses are of, in order; empty if there is one loss of the whole model. */
    default List<Integer> layers() {
        return List.of();
    }

    /**
     * Losses and gradients of one batch. Both are means over its windows, so that those of a batch are the means of
     * those of its equal parts.
     *
     * @param ids int32 [B,T]
     * @param labels int32 [B·T], the tokens that follow
     */
    Result evaluate(Tensor ids, Tensor labels);

    /**
     * As {@link #evaluate(Tensor, Tensor)}, telling of each gradient as soon as it is final, while others are still being
     * computed. An objective that does not know tells of all of them at the end.
     */
    default Result evaluate(Tensor ids, Tensor labels, Receiver receiver) {
        Result result = evaluate(ids, labels);
        result.gradients().forEach(receiver::accept);
        return result;
    }

    /**
     * The losses of {@link #evaluate} alone.
     *
     * @param ids int32 [B,T]
     * @param labels int32 [B·T], the tokens that follow
     */
    default List<Tensor> losses(Tensor ids, Tensor labels) {
        return evaluate(ids, labels).losses();
    }

    /** Takes gradients. */
    @FunctionalInterface
    interface Receiver {
        /** Nobody waits for them. */
        Receiver NOBODY = (name, gradient) -> {};

        /**
         * A gradient is final.
         *
         * @param name of the parameter
         * @param gradient as in the result
         */
        void accept(String name, Tensor gradient);
    }

    /**
     * @param losses one per aligned layer, or one; rank 0 each. The objective is their sum
     * @param gradients of the sum by parameter name; none for a parameter that the losses do not depend on
     */
    record Result(List<Tensor> losses, Map<String, Tensor> gradients) {}
}
