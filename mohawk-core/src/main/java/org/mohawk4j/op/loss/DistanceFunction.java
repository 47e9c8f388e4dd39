package org.mohawk4j.op.loss;

import java.util.Optional;
import java.util.function.BinaryOperator;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.FusedOp;
import org.mohawk4j.tensor.Edge;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;

/**
 * Mean Euclidean distance between rows of two tensors, along D: the loss of stage 2, and, relative to the rows' norms, the
 * hidden-state loss of stage 3.
 */
public final class DistanceFunction {
    /** Keeps the gradient of a distance of exactly zero at zero, where the norm has no derivative. */
    private static final double TINY = 1e-30;

    private DistanceFunction() {}

    /** Fused distance. */
    public interface FusedDistance extends FusedOp {
        /** The loss [], and its gradient by the student [R,D] if wanted. */
        record Result(Array loss, Optional<Array> studentGradient) {}

        Result forward(Array teacher, Array student, boolean gradient);
    }

    /** Fused distance relative to the norm of the teacher's row. */
    public interface FusedRelativeDistance extends FusedDistance {}

    /**
     * @param teacher [..., D], which no gradient reaches
     * @param student the same shape
     * @return the mean over all rows of the Euclidean norm of the difference along D, rank 0
     */
    public static Tensor apply(Tensor teacher, Tensor student) {
        return apply(FusedDistance.class, DistanceFunction::reference, teacher, student);
    }

    /**
     * As {@link #apply(Tensor, Tensor)}, with each row's distance divided by the norm of the teacher's row; one that is zero
     * gives an infinite distance.
     */
    public static Tensor relative(Tensor teacher, Tensor student) {
        return apply(FusedRelativeDistance.class, DistanceFunction::relativeReference, teacher, student);
    }

    private static Tensor apply(
            Class<? extends FusedDistance> type, BinaryOperator<Tensor> reference, Tensor teacher, Tensor student) {
        Engine engine = student.engine();
        if (!teacher.shape().equals(student.shape())) {
            throw new IllegalArgumentException(
                    "distance between teacher " + teacher.shape() + " and student " + student.shape());
        }
        Optional<? extends FusedDistance> kernel = engine.backend().fused(type);
        if (kernel.isEmpty()) {
            return reference.apply(teacher, student);
        }
        FusedDistance.Result result = kernel.get().forward(teacher.array(), student.array(), engine.isTracked(student));
        Tensor loss = engine.wrap(result.loss());
        return result.studentGradient()
                .map(engine::wrap)
                .map(gradient -> engine.record(loss, Edge.of(student, g -> gradient.mul(g), gradient)))
                .orElse(loss);
    }

    public static Tensor reference(Tensor teacher, Tensor student) {
        return norm(student.sub(teacher.detach()), -1).mean();
    }

    public static Tensor relativeReference(Tensor teacher, Tensor student) {
        Tensor target = teacher.detach();
        return norm(student.sub(target), -1).div(norm(target, -1)).mean();
    }

    /** Euclidean norms over axes, which keep extent 1; the gradient is zero where the norm is. */
    public static Tensor norm(Tensor x, int... axes) {
        Engine engine = x.engine();
        Tensor norms = engine.unrecorded(() -> x.square().sum(axes, true).sqrt());
        return engine.record(norms, Edge.of(x, g -> x.mul(g.div(norms.add(TINY))), x, norms));
    }
}
