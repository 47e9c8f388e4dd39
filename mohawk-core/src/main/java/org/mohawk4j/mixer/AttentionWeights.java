package org.mohawk4j.mixer;

import org.mohawk4j.nn.Linear;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.Shape;

/**
 * The linear maps of an attention, without their biases: what a mixer that replaces it may start from. A linear
 * recurrence that begins with its teacher's projections needs a fraction of the tokens (The Mamba in the Llama, arXiv
 * 2408.15237, section 3.1). Any attention can implement it. The tensors are the weights as they are, not copies.
 */
public interface AttentionWeights {
    /** D. */
    long width();

    /** H, heads of queries. */
    long heads();

    /** G, heads of keys and values, each serving H/G heads in a row. This version: one for each head of queries. */
    default long groups() {
        return heads();
    }

    /** P. */
    long headDim();

    /** What the products of queries and keys are multiplied by. */
    default double scale() {
        return 1 / Math.sqrt(headDim());
    }

    /** [H·P,D] */
    Tensor query();

    /** [G·P,D] */
    Tensor key();

    /** [G·P,D] */
    Tensor value();

    /** [D,H·P] */
    Tensor output();

    /** Whether a mixer between these widths can have the value and output maps. */
    default boolean fits(long width, long innerWidth) {
        return width() == width && heads() * headDim() == innerWidth;
    }

    /** Copies the value map, shared heads repeated, and the output map. */
    default void copyTo(Linear values, Linear outputs) {
        values.setRows(0, perHead(value()).reshape(-1, width()));
        outputs.setRows(0, output());
    }

    /**
     * Copies queries or keys, shared heads repeated, scaled so that their products are the attention's scores. Of each
     * head's rows as many are written as both have.
     *
     * @param queryOrKey {@link #query} or {@link #key}
     * @param from the first of H·N rows in the target
     * @param stateSize N
     */
    default void copyScores(Tensor queryOrKey, Linear target, long from, int stateSize) {
        Tensor scaled = perHead(queryOrKey).mul(Math.sqrt(scale()));
        for (long head = 0; head < heads(); head++) {
            Tensor rows = scaled.narrow(0, head, 1).narrow(1, 0, Math.min(headDim(), stateSize));
            target.setRows(from + head * stateSize, rows.reshape(-1, width()));
        }
    }

    /** [H,P,D] of one map's rows. */
    private Tensor perHead(Tensor rows) {
        long each = headDim() * width();
        long own = rows.dim(0) / headDim();
        return rows.reshape(own, 1, each)
                .broadcastTo(Shape.of(own, heads() / own, each))
                .reshape(heads(), headDim(), width());
    }
}
