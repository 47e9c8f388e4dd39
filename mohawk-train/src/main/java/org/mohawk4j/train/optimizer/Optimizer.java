package org.mohawk4j.train.optimizer;

import java.util.Map;
import org.mohawk4j.layer.Parameter;
import org.mohawk4j.tensor.Tensor;

/** Changes parameters by their gradients. What it remembers between steps is its own until it is closed. */
public interface Optimizer extends AutoCloseable {
    /**
     * Changes the parameters in place. A parameter without a gradient is left alone.
     *
     * @param gradients by parameter name
     * @return the global norm of the gradients before clipping, rank 0
     */
    Tensor step(Map<String, Parameter> parameters, Map<String, Tensor> gradients, double learningRate);

    /** Frees what it remembers. */
    @Override
    void close();
}
