package org.mohawk4j.train.stage;

import java.util.function.IntPredicate;
import java.util.function.Predicate;
import org.mohawk4j.matrix.FrobeniusDistance;
import org.mohawk4j.models.Block;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.tensor.Tensor;

/**
 * Stage 1: per layer, the mean over batch and heads of the Frobenius norm of the teacher's mixing matrix minus the
 * student's (MOHAWK, section 4.1).
 */
public final class MatrixOrientation extends LayerwiseObjective {
    public MatrixOrientation(CausalLm teacher, CausalLm student, IntPredicate aligned, Predicate<String> trains) {
        this(teacher, student, TeacherStates.UNCACHED, aligned, trains);
    }

    public MatrixOrientation(
            CausalLm teacher, CausalLm student, TeacherStates states, IntPredicate aligned, Predicate<String> trains) {
        super(teacher, student, states, aligned, trains);
    }

    @Override
    Tensor loss(TeacherPass teacher, Block student) {
        return FrobeniusDistance.between(
                teacher.h().engine(), teacher.matrix(), student.mixer().matrix(student.mixerInput(teacher.h())));
    }
}
