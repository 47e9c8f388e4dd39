package org.mohawk4j.train.stage;

import java.util.Arrays;
import java.util.List;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.MixerPlan;
import org.mohawk4j.op.loss.DistillationFunction;

/**
 * Which layers each stage aligns and which parameters it trains. Layers that keep the teacher's mixer have nothing to
 * align, so stages 1 and 2 pass them over.
 *
 * @param states the teacher's, computed or replayed
 * @param freeze names of parameters that no stage trains, where {@code *} stands for anything
 */
public record StagePlan(
        CausalLm teacher, CausalLm student, MixerPlan mixers, List<String> freeze, TeacherStates states) {
    /** A plan whose teacher computes its states each time. */
    public StagePlan(CausalLm teacher, CausalLm student, MixerPlan mixers, List<String> freeze) {
        this(teacher, student, mixers, freeze, TeacherStates.COMPUTED);
    }

    public StagePlan {
        freeze = List.copyOf(freeze);
        for (String pattern : freeze) {
            Predicate<String> matches = glob(pattern);
            if (student.parameters().keySet().stream().noneMatch(matches)) {
                throw new InvalidInputException("freeze: expected names of the student's parameters, such as "
                        + student.parameters().keySet().iterator().next() + ", found none for " + pattern);
            }
        }
    }

    /**
     * Stage 1: the mixers; those of their parameters that the matrix does not depend on get no gradient.
     *
     * @throws InvalidInputException if a layer has no matrix, or other heads than the teacher's
     */
    public Objective matrixOrientation() {
        mixers.incomparable(teacher.config()).ifPresent(why -> {
            throw new InvalidInputException("objective: expected mixing matrices that matrix orientation can compare head"
                    + " by head, found: " + why);
        });
        return requireSomething(
                1,
                new MatrixOrientation(
                        teacher, student, states, this::isAligned, inMixer().and(trainable())));
    }

    /** Stage 2: the mixers, or whole blocks. */
    public Objective hiddenStateAlignment(HiddenStateAlignment.Target target) {
        Predicate<String> part = target == HiddenStateAlignment.Target.MIXER ? inMixer() : name -> true;
        return requireSomething(
                2, new HiddenStateAlignment(teacher, student, states, target, this::isAligned, part.and(trainable())));
    }

    /** Stage 3: everything. */
    public Objective knowledgeDistillation(DistillationFunction.Weights weights) {
        return knowledgeDistillation(weights, false);
    }

    /**
     * As {@link #knowledgeDistillation(DistillationFunction.Weights)}.
     *
     * @param recompute whether the student's blocks compute their activations again in the backward pass
     */
    public Objective knowledgeDistillation(DistillationFunction.Weights weights, boolean recompute) {
        return knowledgeDistillation(TeacherDistribution.whole(teacher, states), weights, recompute);
    }

    /**
     * As {@link #knowledgeDistillation(DistillationFunction.Weights, boolean)}, with what is known of the teacher's
     * distributions.
     */
    public Objective knowledgeDistillation(
            TeacherDistribution distribution, DistillationFunction.Weights weights, boolean recompute) {
        return requireSomething(
                3, new KnowledgeDistillation(teacher, student, distribution, weights, recompute, trainable()));
    }

    private boolean isAligned(int layer) {
        return !mixers.keeps(layer, teacher.config());
    }

    private static Predicate<String> inMixer() {
        return name -> name.contains(".mixer.");
    }

    private Predicate<String> trainable() {
        List<Predicate<String>> frozen = freeze.stream().map(StagePlan::glob).toList();
        return name -> frozen.stream().noneMatch(pattern -> pattern.test(name));
    }

    private static Predicate<String> glob(String pattern) {
        String regex =
                Arrays.stream(pattern.split("\\*", -1)).map(Pattern::quote).collect(Collectors.joining(".*"));
        return Pattern.compile(regex).asMatchPredicate();
    }

    private static Objective requireSomething(int stage, Objective objective) {
        if (objective.trained().isEmpty()) {
            throw new InvalidInputException("stage " + stage
                    + " has nothing to train: every layer keeps the teacher's mixer, or all parameters are frozen;"
                    + " give it no share of the split");
        }
        return objective;
    }
}
