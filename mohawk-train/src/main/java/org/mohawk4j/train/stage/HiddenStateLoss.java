package org.mohawk4j.train.stage;

import java.util.ArrayList;
import java.util.List;
import org.mohawk4j.op.loss.DistanceFunction;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;

/**
 * An auxiliary loss of stage 3: the distance of the student's hidden states from the teacher's after each block, relative to
 * the norm of the teacher's, {@code ‖h_student − h_teacher‖ / ‖h_teacher‖} along D, as a mean over blocks, batch and time.
 * Unlike in stage 2, each model's states come from its own forward pass, so that gradients reach all blocks before.
 */
final class HiddenStateLoss {
    private final double weight;
    private final int blocks;
    private final Scope scope;
    private final List<Tensor> teachers = new ArrayList<>();
    private final List<Tensor> terms = new ArrayList<>();

    /**
     * @param weight of the mean over blocks
     * @param scope that targets and terms belong to
     */
    HiddenStateLoss(double weight, int blocks, Scope scope) {
        this.weight = weight;
        this.blocks = blocks;
        this.scope = scope;
    }

    /**
     * Takes the teacher's states, in order.
     *
     * @param h [B,T,D]
     * @param index of the block that it is applied to; 0 is not compared
     */
    void addTeacher(Tensor h, int index) {
        if (index > 0) {
            teachers.add(scope.hold(h));
        }
    }

    /** Takes the student's, likewise, on the student's tape. */
    void addStudent(Tensor h, int index) {
        if (index > 0) {
            Tensor teacher = teachers.get(index - 1);
            terms.add(scope.adopt(h.engine()
                    .scoped(() -> DistanceFunction.relative(teacher, h).mul(weight / blocks))));
            scope.free(teacher);
        }
    }

    /** Another loss and this one. */
    Tensor addTo(Tensor loss) {
        return terms.stream().reduce(loss, Tensor::add);
    }
}
