package org.mohawk4j.train.stage;

import java.util.List;
import java.util.function.Predicate;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.MixerPlan;
import org.mohawk4j.nn.NamePatterns;
import org.mohawk4j.op.loss.DistillationFunction;

/**
 * Which layers each stage aligns and which parameters it trains. Layers that keep the teacher's mixer have nothing to
 * align, so stages 1 and 2 pass them over.
 *
 * @param freeze names of parameters that no stage trains, where {@code *} stands for anything
 * @param trainable names of parameters that stages of this plan train, likewise; empty: all that are not frozen
 * @param states the teacher's, computed or replayed
 */
public record StagePlan(
        CausalLm teacher,
        CausalLm student,
        MixerPlan mixers,
        List<String> freeze,
        List<String> trainable,
        TeacherStates states) {
    /** A plan whose teacher computes its states each time. */
    public StagePlan(CausalLm teacher, CausalLm student, MixerPlan mixers, List<String> freeze) {
        this(teacher, student, mixers, freeze, TeacherStates.UNCACHED);
    }

    /** A plan whose stages train all that is not frozen. */
    public StagePlan(CausalLm teacher, CausalLm student, MixerPlan mixers, List<String> freeze, TeacherStates states) {
        this(teacher, student, mixers, freeze, List.of(), states);
    }

    public StagePlan {
        freeze = List.copyOf(freeze);
        trainable = List.copyOf(trainable);
        NamePatterns.requireFound("freeze", freeze, student.parameters().keySet());
        NamePatterns.requireFound("trainable", trainable, student.parameters().keySet());
    }

    /**
     * Stage 1: the mixers; those of their parameters that the matrix does not depend on get no gradient.
     *
     * @throws InvalidInputException if a layer has no matrix, or other heads than the teacher's
     */
    public Objective matrixOrientation() {
        mixers.incomparable(teacher.config()).ifPresent(why -> {
            throw new InvalidInputException(
                    "objective: expected mixing matrices that matrix orientation can compare head" + " by head, found: "
                            + why);
        });
        return requireSomething(
                "matrix orientation",
                new MatrixOrientation(
                        teacher, student, states, this::isAligned, inMixer().and(isTrained())));
    }

    /** Stage 2: the mixers, or whole blocks. */
    public Objective hiddenStateAlignment(HiddenStateAlignment.Target target) {
        Predicate<String> part = target == HiddenStateAlignment.Target.MIXER ? inMixer() : name -> true;
        return requireSomething(
                "hidden-state alignment",
                new HiddenStateAlignment(teacher, student, states, target, this::isAligned, part.and(isTrained())));
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
        return knowledgeDistillation(TeacherDistribution.whole(teacher, states), weights, 0, recompute);
    }

    /**
     * As {@link #knowledgeDistillation(DistillationFunction.Weights, boolean)}, with what is known of the teacher's
     * distributions.
     *
     * @param hiddenStateWeight of a loss that compares hidden states as well; 0: none
     */
    public Objective knowledgeDistillation(
            TeacherDistribution distribution,
            DistillationFunction.Weights weights,
            double hiddenStateWeight,
            boolean recompute) {
        return requireSomething(
                "knowledge distillation",
                new KnowledgeDistillation(
                        teacher, student, distribution, weights, hiddenStateWeight, recompute, isTrained()));
    }

    private boolean isAligned(int layer) {
        return !mixers.keeps(layer, teacher.config());
    }

    private static Predicate<String> inMixer() {
        return name -> name.contains(".mixer.");
    }

    private Predicate<String> isTrained() {
        Predicate<String> chosen = trainable.isEmpty() ? name -> true : new NamePatterns(trainable);
        return chosen.and(new NamePatterns(freeze).negate());
    }

    private static Objective requireSomething(String stage, Objective objective) {
        if (objective.trained().isEmpty()) {
            throw new InvalidInputException("trainable: " + stage + " has nothing to train: every layer keeps the"
                    + " teacher's mixer, or all parameters are frozen; leave this stage out");
        }
        return objective;
    }
}
