package org.mohawk4j.tensor;

/** Receives gradients during the backward pass, so that work on them can begin before it ends. */
@FunctionalInterface
public interface GradientListener {
    /**
     * The gradient of a watched tensor is final: nothing that is left of the backward pass adds to it.
     *
     * @param watched the tensor that the tape was opened with
     * @param gradient belongs to the scope that is innermost now
     */
    void onFinal(Tensor watched, Tensor gradient);
}
