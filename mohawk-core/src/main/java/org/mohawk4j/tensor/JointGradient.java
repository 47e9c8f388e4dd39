package org.mohawk4j.tensor;

import java.util.List;

/** The gradient rule of an operation whose inputs' gradients are computed together. */
@FunctionalInterface
public interface JointGradient {
    /**
     * @param outputGradients one per output, zeros where the loss does not depend on it
     * @return one per input, in order; shapes as the inputs'. Gradients of inputs that are not tracked are ignored
     */
    List<Tensor> gradients(List<Tensor> outputGradients);
}
