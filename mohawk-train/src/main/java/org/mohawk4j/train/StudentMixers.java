package org.mohawk4j.train;

import org.mohawk4j.InvalidInputException;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.models.CausalLmConfig;
import org.mohawk4j.models.MixerPlan;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.config.StageObjective;
import org.mohawk4j.train.config.StudentConfig;

/** The student's mixers that a configuration asks for, checked against the teacher's. */
public final class StudentMixers {
    private StudentMixers() {}

    /**
     * The plan of a student's mixers.
     *
     * @throws InvalidInputException if they do not fit the teacher's
     */
    public static MixerPlan plan(DistillConfig config, CausalLmConfig teacher) {
        boolean matrixByMatrix = config.trainsBy(StageObjective.MATRIX_ORIENTATION);
        return MixerPlan.replacing(
                teacher, own -> mamba(config.student(), own, matrixByMatrix), config.training().keepAttention());
    }

    private static DiscreteMamba2.Config mamba(StudentConfig student, MixerConfig teacher, boolean matrixByMatrix) {
        int teacherHeads = teacher.heads();
        int valueHeads = student.valueHeads().orElse(teacherHeads);
        int qkHeads = student.qkHeads().orElse(valueHeads);
        require(
                teacher.innerWidth() % valueHeads == 0,
                "student.value-heads",
                "a divisor of " + teacher.innerWidth() + ", the width of the teacher's heads together",
                valueHeads);
        require(
                !matrixByMatrix || valueHeads == teacherHeads,
                "student.value-heads",
                teacherHeads + ", as the teacher has, for stage 1 compares matrices head by head (or no share of the"
                        + " split for stage 1)",
                valueHeads);
        require(valueHeads % qkHeads == 0, "student.qk-heads", "a divisor of " + valueHeads + " value heads", qkHeads);
        return new DiscreteMamba2.Config(
                teacher.width(),
                teacher.innerWidth(),
                valueHeads,
                qkHeads,
                student.stateSize(),
                student.convWidth(),
                student.chunkLength());
    }

    private static void require(boolean holds, String key, String expected, Object actual) {
        if (!holds) {
            throw new InvalidInputException(key + ": expected " + expected + ", got " + actual);
        }
    }
}
