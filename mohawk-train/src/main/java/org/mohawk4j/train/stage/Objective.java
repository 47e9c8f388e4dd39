package org.mohawk4j.train.stage;

import java.util.List;
import java.util.Map;
import org.mohawk4j.layer.Parameter;
import org.mohawk4j.tensor.Tensor;

/** What a stage minimises. */
public interface Objective {
    /** The student's parameters that it trains, by name. */
    Map<String, Parameter> trained();

    /**
     * Losses and gradients of one batch.
     *
     * @param ids int32 [B,T]
     * @param labels int32 [B·T], the tokens that follow
     */
    Result evaluate(Tensor ids, Tensor labels);

    /**
     * @param losses one per aligned layer, or one; rank 0 each. The objective is their sum
     * @param gradients of the sum by parameter name; none for a parameter that the losses do not depend on
     */
    record Result(List<Tensor> losses, Map<String, Tensor> gradients) {}
}
