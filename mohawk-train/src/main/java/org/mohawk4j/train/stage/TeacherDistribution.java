package org.mohawk4j.train.stage;

import java.util.Optional;
import java.util.function.ObjIntConsumer;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.op.loss.DistillationFunction.Weights;
import org.mohawk4j.op.loss.LmHead;
import org.mohawk4j.tensor.Tensor;

/** The teacher's side of stage 3: its distributions of the next token, complete or top-k. */
public interface TeacherDistribution {
    /** Whole distributions, by the teacher's head on its last state. */
    static TeacherDistribution whole(CausalLm teacher, TeacherStates states) {
        return new FullDistribution(teacher, states);
    }

    /**
     * The k likeliest tokens of each distribution, and what all others have together.
     *
     * @param states from which they are computed where they are not there
     * @param k from 1 to V
     */
    static TeacherDistribution topK(CausalLm teacher, TeacherStates states, TeacherTopK tokens, int k) {
        return new TopKDistribution(new FullDistribution(teacher, states), tokens, k);
    }

    /**
     * The distributions of a batch. Belongs to the innermost scope, and is made before the student's tape is opened.
     *
     * @param ids int32 [B,T]
     * @param weights those of the loss
     */
    default Target target(Tensor ids, Weights weights) {
        return target(ids, weights, Optional.empty());
    }

    /**
     * As {@link #target(Tensor, Weights)}.
     *
     * @param observer if there is one, is shown the teacher's hidden states, as by {@link CausalLm#hidden(Tensor,
     *     ObjIntConsumer)}
     * @throws IllegalArgumentException if there is one, and distributions are known without hidden states
     */
    Target target(Tensor ids, Weights weights, Optional<ObjIntConsumer<Tensor>> observer);

    /** What a student is compared with. */
    @FunctionalInterface
    interface Target {
        /**
         * The loss, rank 0, a mean over rows.
         *
         * @param student of the same batch, [B·T] rows
         * @param labels int32 [B·T], the tokens that follow
         */
        Tensor loss(LmHead student, Optional<Tensor> labels);
    }
}
