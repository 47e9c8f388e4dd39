package org.mohawk4j.dl4j.run;

import java.util.LinkedHashMap;
import java.util.Map;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.backend.nd4j.NdArrays;
import org.mohawk4j.nn.Layer;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.types.Shape;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The weights of a student, a teacher or any part of them as ND4J arrays, by name. */
public final class ModelWeights {
    private ModelWeights() {}

    /**
     * The weights. On the ND4J backend they are the model's own memory, so that a change in one is one in the other, as
     * long as the model is open; on other backends they are copies.
     */
    public static Map<String, INDArray> of(Layer model) {
        boolean shared = model.engine().backend().name().equals("nd4j");
        Map<String, INDArray> weights = new LinkedHashMap<>();
        model.parameters()
                .forEach((name, parameter) -> weights.put(
                        name, shared ? NdArrays.share(parameter.value()) : NdArrays.toINDArray(parameter.value())));
        return weights;
    }

    /**
     * Copies weights into a model, all or none.
     *
     * @param weights a value for each of the model's names
     * @throws InvalidInputException naming the first weight that is missing, unknown or of another shape
     */
    public static void copyInto(Layer model, Map<String, INDArray> weights) {
        Map<String, Parameter> parameters = model.parameters();
        weights.keySet().stream()
                .filter(name -> !parameters.containsKey(name))
                .findFirst()
                .ifPresent(name -> {
                    throw new InvalidInputException("weights: expected names of the model's " + parameters.size()
                            + " parameters, found " + name);
                });
        parameters.forEach((name, parameter) -> {
            INDArray value = weights.get(name);
            if (value == null || !Shape.of(value.shape()).equals(parameter.shape())) {
                throw new InvalidInputException("weights: expected " + name + " of shape " + parameter.shape()
                        + ", found " + (value == null ? "none" : "shape " + Shape.of(value.shape())));
            }
        });
        try (Scope scope = model.engine().scope()) {
            parameters.forEach((name, parameter) -> {
                INDArray value = weights.get(name);
                if (value != null) {
                    model.engine()
                            .backend()
                            .memory()
                            .copyInto(
                                    parameter.value().array(),
                                    scope.adopt(NdArrays.toTensor(model.engine(), value))
                                            .array());
                }
            });
        }
    }
}
