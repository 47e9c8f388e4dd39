package org.mohawk4j.matrix;

import java.util.Optional;
import org.mohawk4j.backend.FusedOp;
import org.mohawk4j.op.loss.DistanceFunction;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;

/**
 * The loss of stage 1: the mean over B and H of the Frobenius norm of teacher minus student (MOHAWK, arXiv 2408.10189,
 * section 4.1). Both matrices are materialized unless the backend fuses the pair.
 */
public final class FrobeniusDistance {
    private FrobeniusDistance() {}

    /** Fused distances between matrices of known form, without their T·T numbers. */
    public interface FusedFrobenius extends FusedOp {
        /**
         * The distance with its gradient already on the open tape; empty if this pair is not one it knows.
         *
         * @param teacher no gradient reaches it
         */
        Optional<Tensor> distance(MixingMatrix teacher, MixingMatrix student);
    }

    /**
     * @param teacher no gradient reaches it
     * @return rank 0
     */
    public static Tensor between(Engine engine, MixingMatrix teacher, MixingMatrix student) {
        return engine.backend()
                .fused(FusedFrobenius.class)
                .flatMap(kernel -> kernel.distance(teacher, student))
                .orElseGet(() -> reference(teacher, student));
    }

    public static Tensor reference(MixingMatrix teacher, MixingMatrix student) {
        Tensor target = teacher.materialize().detach();
        Tensor actual = student.materialize();
        if (!target.shape().equals(actual.shape())) {
            throw new IllegalArgumentException(
                    "teacher's matrix has shape " + target.shape() + ", the student's " + actual.shape());
        }
        return DistanceFunction.norm(actual.sub(target), -2, -1).mean();
    }
}
