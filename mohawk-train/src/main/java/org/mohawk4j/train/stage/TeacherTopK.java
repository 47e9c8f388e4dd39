package org.mohawk4j.train.stage;

import java.util.function.Supplier;
import org.mohawk4j.op.loss.TopKLogits;
import org.mohawk4j.tensor.Tensor;

/** The top-k tokens of a teacher's distributions. A caller passes how to compute them; they may be cached. */
@FunctionalInterface
public interface TeacherTopK extends AutoCloseable {
    /** Tokens that are computed each time. */
    TeacherTopK UNCACHED = (ids, compute) -> compute.get();

    /**
     * Those of a batch, [B·T] rows.
     *
     * @param ids int32 [B,T]
     * @param compute how to compute them, called if any of them is not there
     */
    TopKLogits of(Tensor ids, Supplier<TopKLogits> compute);

    /** Closes what they are kept in. */
    @Override
    default void close() {}
}
