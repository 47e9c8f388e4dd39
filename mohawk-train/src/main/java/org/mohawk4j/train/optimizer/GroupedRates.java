package org.mohawk4j.train.optimizer;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.mohawk4j.nn.NamePatterns;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.op.AdamWFunction.Part;

/** Which learning rate and weight decay each parameter has: those of the first group that names it. */
final class GroupedRates {
    private static final int MATRIX_RANK = 2;

    private record Rule(Predicate<String> names, ParameterGroup group) {}

    private final double weightDecay;
    private final List<Rule> rules;

    /** @param weightDecay of matrices that no group says otherwise of */
    GroupedRates(double weightDecay, List<ParameterGroup> groups) {
        this.weightDecay = weightDecay;
        this.rules = groups.stream()
                .map(group -> new Rule(new NamePatterns(group.parameters()), group))
                .toList();
    }

    /** The stretches of a parameter that are updated alike. */
    List<Part> parts(String name, Parameter parameter) {
        long size = parameter.shape().size();
        double usual = parameter.shape().rank() >= MATRIX_RANK ? weightDecay : 0;
        if (parameter.sections().isEmpty()) {
            return List.of(part(size, usual, name, name));
        }
        List<Part> parts = new ArrayList<>();
        long width = size / parameter.shape().dim(0);
        for (Parameter.Section section : parameter.sections()) {
            String own = ParameterGroup.sectionName(name, section);
            add(parts, part(section.rows() * width, usual, name, own));
        }
        return parts;
    }

    private Part part(long count, double usualDecay, String name, String sectionName) {
        ParameterGroup group = rules.stream()
                .filter(rule -> rule.names().test(name) || rule.names().test(sectionName))
                .findFirst()
                .map(Rule::group)
                .orElse(ParameterGroup.defaults());
        return new Part(count, group.learningRateFactor(), group.weightDecay().orElse(usualDecay));
    }

    /** Neighbors that are updated alike are one. */
    private static void add(List<Part> parts, Part next) {
        Part merged = next;
        if (!parts.isEmpty()) {
            Part last = parts.get(parts.size() - 1);
            if (last.rateFactor() == next.rateFactor() && last.weightDecay() == next.weightDecay()) {
                merged = new Part(last.count() + next.count(), next.rateFactor(), next.weightDecay());
                parts.remove(parts.size() - 1);
            }
        }
        parts.add(merged);
    }
}
