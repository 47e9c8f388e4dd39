package org.mohawk4j.tensor;

import java.util.List;
import org.mohawk4j.backend.Array;

/** The backward pass of a fused operation, in the backend's arrays. */
@FunctionalInterface
public interface FusedBackward {
    /**
     * @param outputGradients one per output, zeros where the loss does not depend on it
     * @param saved what the forward pass saved
     * @return one per input, in order, shapes as the inputs'; an output's gradient may be among them, and one array may
     *     be the gradient of several. Gradients of inputs that are not tracked are ignored
     */
    List<Array> gradients(List<Array> outputGradients, List<Array> saved);
}
