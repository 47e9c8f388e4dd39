package org.mohawk4j.train.stage;

import org.jspecify.annotations.Nullable;
import org.mohawk4j.matrix.MixingMatrix;
import org.mohawk4j.models.Block;
import org.mohawk4j.tensor.Tensor;

/**
 * What a teacher's block computes on its input h. Where its output is replayed, the rest is computed only if it is asked
 * for.
 */
final class TeacherPass {
    private final Block block;
    private final Tensor h;
    private final Tensor output;
    private @Nullable Tensor u;
    private @Nullable MixingMatrix matrix;
    private @Nullable Tensor mixed;

    /** @param state the block's output among the teacher's states */
    TeacherPass(Block block, Tensor h, TeacherStates.Batch states, int state) {
        this.block = block;
        this.h = h;
        this.output = states.state(state, () -> block.combine(h, u(), mixed()));
    }

    Tensor h() {
        return h;
    }

    MixingMatrix matrix() {
        if (matrix == null) {
            matrix = block.mixer().matrix(u());
        }
        return matrix;
    }

    /** The mixer's output. */
    Tensor mixed() {
        if (mixed == null) {
            // a mixer without a matrix has its output alone
            mixed = matrix == null ? block.mixer().forward(u()) : block.mixer().forward(u(), matrix);
        }
        return mixed;
    }

    /** The block's output. */
    Tensor output() {
        return output;
    }

    private Tensor u() {
        if (u == null) {
            u = block.mixerInput(h);
        }
        return u;
    }
}
