package org.mohawk4j.train.stage;

import java.util.function.IntPredicate;
import java.util.function.Predicate;
import org.mohawk4j.models.Block;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.op.loss.DistanceFunction;
import org.mohawk4j.tensor.Tensor;

/**
 * Stage 2: per layer, the mean over batch and time of the Euclidean norm along D of the teacher's output minus the
 * student's, of the mixer alone or of the whole block (MOHAWK, section 4.2).
 */
public final class HiddenStateAlignment extends LayerwiseObjective {
    /** Whose output is compared. */
    public enum Target {
        MIXER,
        BLOCK
    }

    private final Target target;

    public HiddenStateAlignment(
            CausalLm teacher, CausalLm student, Target target, IntPredicate aligned, Predicate<String> trains) {
        this(teacher, student, TeacherStates.UNCACHED, target, aligned, trains);
    }

    public HiddenStateAlignment(
            CausalLm teacher,
            CausalLm student,
            TeacherStates states,
            Target target,
            IntPredicate aligned,
            Predicate<String> trains) {
        super(teacher, student, states, aligned, trains);
        this.target = target;
    }

    @Override
    Tensor loss(TeacherPass teacher, Block student) {
        return switch (target) {
            case MIXER ->
                DistanceFunction.apply(teacher.mixed(), student.mixer().forward(student.mixerInput(teacher.h())));
            case BLOCK -> DistanceFunction.apply(teacher.output(), student.forward(teacher.h()));
        };
    }
}
