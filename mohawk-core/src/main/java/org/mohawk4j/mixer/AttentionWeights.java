package org.mohawk4j.mixer;

import java.util.Optional;
import org.mohawk4j.nn.Linear;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.Shape;

/**
 * The linear maps of an attention: what a mixer that replaces it may start from. A linear
 * recurrence that begins with its teacher's projections needs a fraction of the tokens (The Mamba in the Llama, arXiv
 * 2408.15237, section 3.1). Any attention can implement it. The tensors are the weights as they are, not copies.
 */
public interface AttentionWeights {
    /** D. */
    long width();

    /** H, heads of queries. */
    long heads();

    /** P. */
    long headDim();

    /** What the products of queries and keys are multiplied by. */
    default double scale() {
        return 1 / Math.sqrt(headDim());
    }

    /** [H·P,D] */
    Tensor query();

    /** [G·P,D], of G heads that each serve H/G heads of queries in a row. */
    Tensor key();

    /** [G·P,D] */
    Tensor value();

    /** [D,H·P] */
    Tensor output();

    /**
     * [H·P,D], the query map as scores see it: where a norm follows, each row is multiplied by the norm's weight, relative
     * to the root mean square of all its weights. What else the norm does depends on the input.
     */
    default Tensor scoredQuery() {
        return query();
    }

    /** [G·P,D], the key map, as {@link #scoredQuery}. */
    default Tensor scoredKey() {
        return key();
    }

    /** [H·P], what is added to {@link #scoredQuery}'s outputs. That of keys adds the same to all scores of a query. */
    default Optional<Tensor> scoredQueryBias() {
        return Optional.empty();
    }

    /** [G·P], what is added to values. */
    default Optional<Tensor> valueBias() {
        return Optional.empty();
    }

    /** [D], what is added to the output. */
    default Optional<Tensor> outputBias() {
        return Optional.empty();
    }

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
     * Rows of each group that a mixer with so many groups for C and B can have from queries and keys: the smaller of P and
     * N, or 0 if the groups do not divide H.
     *
     * @param stateSize N
     */
    default int copiedScores(long width, long groups, int stateSize) {
        return width() == width && heads() % groups == 0 ? (int) Math.min(headDim(), stateSize) : 0;
    }

    /**
     * Copies queries or keys, scaled so that their products are the attention's scores. Heads that share a group of the
     * target have the mean of theirs: the keys themselves where they share keys here too.
     *
     * @param scored {@link #scoredQuery} or {@link #scoredKey}
     * @param from the first of the target's rows, N for each group, of which {@link #copiedScores} are written
     * @param groups G of the target
     * @param stateSize N
     */
    default void copyScores(Tensor scored, Linear target, long from, long groups, int stateSize) {
        int rows = copiedScores(target.weight().dim(1), groups, stateSize);
        Tensor means = groupMeans(scored, groups);
        for (long group = 0; group < groups; group++) {
            Tensor own = means.narrow(0, group, 1).narrow(1, 0, rows);
            target.setRows(from + group * stateSize, own.reshape(-1, width()));
        }
    }

    /**
     * What {@link #copyScores} copies of queries or keys: [G,P,D] of a target's groups.
     *
     * @param scored [.,D]; a bias is a map of D = 1
     */
    default Tensor groupMeans(Tensor scored, long groups) {
        long shared = heads() / groups;
        return perHead(scored)
                .reshape(groups, shared, scored.dim(1) * headDim())
                .sum(1)
                .mul(Math.sqrt(scale()) / shared)
                .reshape(groups, headDim(), scored.dim(1));
    }

    /** [H,P,D] of a map's rows, those of shared heads repeated; a bias is a map of D = 1. */
    default Tensor perHead(Tensor rows) {
        long width = rows.dim(1);
        long own = rows.dim(0) / headDim();
        return rows.reshape(own, 1, headDim() * width)
                .broadcastTo(Shape.of(own, heads() / own, headDim() * width))
                .reshape(heads(), headDim(), width);
    }
}
