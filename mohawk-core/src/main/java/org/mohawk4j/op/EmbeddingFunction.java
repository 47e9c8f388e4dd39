package org.mohawk4j.op;

import org.mohawk4j.tensor.Edge;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;

/** Rows of a table by index. */
public final class EmbeddingFunction {
    private EmbeddingFunction() {}

    /**
     * The gradient by the table is added to one that is there already, as a tied head gives it, without being made.
     *
     * @param table [V,D]
     * @param ids int32 of any shape, each in 0..V-1; looked at where they came from the host
     * @return ids' shape with D appended
     * @throws IllegalArgumentException for a table that is no matrix, or ids of another type
     * @throws org.mohawk4j.InvalidInputException for an id beyond the table
     */
    public static Tensor apply(Tensor table, Tensor ids) {
        Engine engine = table.engine();
        if (table.shape().rank() != 2 || ids.dtype() != DType.INT32) {
            throw new IllegalArgumentException("embedding needs table [V,D] and ids in INT32; got table "
                    + table.shape() + ", ids " + ids.dtype() + " " + ids.shape());
        }
        engine.requireIndicesBelow(table.dim(0), ids, "id");
        long v = table.dim(0);
        Tensor rows = engine.wrap(engine.backend().layout().gatherRows(table.array(), ids.array()));
        return engine.record(
                rows,
                Edge.of(
                                table,
                                g -> engine.wrap(engine.backend().layout().scatterAddRows(g.array(), ids.array(), v)),
                                ids)
                        .adding((sum, g) -> engine.backend().layout().addRows(sum.array(), g.array(), ids.array())));
    }
}
