package org.mohawk4j.train.optimizer;

import java.util.List;
import java.util.Map;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.op.AdamWFunction;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.HostSource;

/** Updates parameters by their gradients. It owns its state, such as moments, until it is closed. */
public interface Optimizer extends AutoCloseable {
    /**
     * The global norm of the gradients of these parameters, rank 0. Changes nothing.
     *
     * @param gradients by parameter name, of at least one of the parameters
     */
    default Tensor norm(Map<String, Parameter> parameters, Map<String, Tensor> gradients) {
        List<Tensor> present = parameters.keySet().stream()
                .filter(gradients::containsKey)
                .map(gradients::get)
                .toList();
        if (present.isEmpty()) {
            throw new IllegalArgumentException("no gradient for any of " + parameters.keySet());
        }
        return AdamWFunction.norm(present.get(0).engine(), present);
    }

    /**
     * Changes the parameters in place. A parameter without a gradient is left alone.
     *
     * @param gradients by parameter name
     * @param norm of the gradients, by {@link #norm}
     */
    void update(Map<String, Parameter> parameters, Map<String, Tensor> gradients, Tensor norm, double learningRate);

    /**
     * As {@link #update}.
     *
     * @return the global norm of the gradients before clipping, rank 0
     */
    default Tensor step(Map<String, Parameter> parameters, Map<String, Tensor> gradients, double learningRate) {
        Tensor norm = norm(parameters, gradients);
        update(parameters, gradients, norm, learningRate);
        return norm;
    }

    /** Which elements of each parameter it updates. */
    default Sharding sharding() {
        return Sharding.NONE;
    }

    /** How many updates there were. */
    int steps();

    /** What it remembers of every parameter that was updated, under names of its own that begin with the parameter's. */
    Map<String, Tensor> moments();

    /**
     * Continues from saved moments, in the place of its own.
     *
     * @param updates as {@link #steps} gave
     * @param saved as {@link #moments} gave
     */
    void restore(int updates, Map<String, ? extends HostSource> saved);

    /** Frees what it remembers. */
    @Override
    void close();
}
