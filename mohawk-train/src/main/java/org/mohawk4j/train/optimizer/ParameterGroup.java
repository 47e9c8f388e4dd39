package org.mohawk4j.train.optimizer;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.mohawk4j.nn.NamePatterns;
import org.mohawk4j.nn.Parameter;

/**
 * Parameters with a learning rate, or a weight decay, of their own.
 *
 * @param parameters names, where {@code *} stands for anything; {@code NAME[SECTION]} is a {@link Parameter.Section} alone
 * @param learningRateFactor times the stage's learning rate; 0: they keep their values
 * @param weightDecay also of vectors, times their own learning rate; empty: as of all parameters
 */
public record ParameterGroup(List<String> parameters, double learningRateFactor, Optional<Double> weightDecay) {
    public ParameterGroup {
        parameters = List.copyOf(parameters);
    }

    /** With the usual weight decay. */
    public ParameterGroup(String parameters, double learningRateFactor) {
        this(List.of(parameters), learningRateFactor, Optional.empty());
    }

    /** As if there were no group. */
    public static ParameterGroup defaults() {
        return new ParameterGroup(List.of(), 1, Optional.empty());
    }

    /**
     * Refuses names that no parameter has.
     *
     * @param key of the groups, to which the index of one is added
     * @throws org.mohawk4j.InvalidInputException if a pattern stands for none of the parameters and sections
     */
    public static void requireFound(String key, List<ParameterGroup> groups, Map<String, Parameter> parameters) {
        Set<String> names = new LinkedHashSet<>();
        parameters.forEach((name, parameter) -> {
            names.add(name);
            parameter.sections().forEach(section -> names.add(sectionName(name, section)));
        });
        for (int i = 0; i < groups.size(); i++) {
            NamePatterns.requireFound(
                    key + "[" + i + "].parameters", groups.get(i).parameters(), names);
        }
    }

    static String sectionName(String parameter, Parameter.Section section) {
        return parameter + "[" + section.name() + "]";
    }
}
