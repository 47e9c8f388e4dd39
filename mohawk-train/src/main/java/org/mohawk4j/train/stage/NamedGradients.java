package org.mohawk4j.train.stage;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tape;
import org.mohawk4j.tensor.Tensor;

/** A loss differentiated by named parameters, each of which is told as soon as it is final. */
final class NamedGradients {
    private NamedGradients() {}

    /** Records what follows, to be differentiated by parameters. */
    static Tape tape(Map<String, Parameter> parameters) {
        List<Tensor> watched = parameters.values().stream().map(Parameter::kept).toList();
        return watched.get(0).engine().tape(watched);
    }

    /**
     * Differentiates.
     *
     * @param tape of {@link #tape}
     * @param results receives the gradients
     * @return by name, in the order of the parameters; none for a parameter that the loss does not depend on
     */
    static Map<String, Tensor> of(
            Tape tape, Tensor loss, Map<String, Parameter> parameters, Scope results, Objective.Receiver receiver) {
        IdentityHashMap<Tensor, List<String>> names = new IdentityHashMap<>();
        parameters.forEach((name, parameter) -> names.computeIfAbsent(parameter.kept(), kept -> new ArrayList<>())
                .add(name));
        Map<String, Tensor> found = new LinkedHashMap<>();
        tape.gradients(loss, (watched, gradient) -> {
            results.adopt(gradient);
            for (String name : names.getOrDefault(watched, List.of())) {
                found.put(name, gradient);
                receiver.accept(name, gradient);
            }
        });
        Map<String, Tensor> ordered = new LinkedHashMap<>();
        parameters.keySet().stream().filter(found::containsKey).forEach(name -> ordered.put(name, found.get(name)));
        return ordered;
    }
}
