package org.mohawk4j.train.stage;

import java.util.function.Supplier;
import org.mohawk4j.tensor.Tensor;

/**
 * A teacher's hidden states between its blocks: state 0 is what the first block is applied to, state i + 1 the output
 * of block i. A caller passes how to compute them; they may be cached.
 */
public interface TeacherStates extends AutoCloseable {
    /** States that are computed each time. */
    TeacherStates UNCACHED = (ids, all) -> new Batch() {
        @Override
        public boolean isReplayed() {
            return false;
        }

        @Override
        public Tensor state(int index, Supplier<Tensor> compute) {
            return compute.get();
        }
    };

    /**
     * The states of a batch.
     *
     * @param ids int32 [B,T]
     * @param all whether all states are wanted, or the last alone
     */
    Batch batch(Tensor ids, boolean all);

    /** Closes what the states are kept in. */
    @Override
    default void close() {}

    /** One batch's states, to be asked for in order. */
    interface Batch extends AutoCloseable {
        /** Whether the states are there without being computed, in any order. */
        boolean isReplayed();

        /**
         * A state, [B,T,D].
         *
         * @param compute how to compute it, called if it is not there
         */
        Tensor state(int index, Supplier<Tensor> compute);

        /** To be called when all states have been asked for, and not if something failed. */
        default void complete() {}

        @Override
        default void close() {}
    }
}
