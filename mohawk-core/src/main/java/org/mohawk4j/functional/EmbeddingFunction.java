package org.mohawk4j.functional;

import org.mohawk4j.tensor.Edge;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;

/** Rows of a table by index. */
public final class EmbeddingFunction {
    private EmbeddingFunction() {}

    /**
     * @param table [V,D]
     * @param ids int32 of any shape, each in 0..V-1
     * @return ids' shape with D appended
     */
    public static Tensor apply(Tensor table, Tensor ids) {
        Engine engine = table.engine();
        long v = table.dim(0);
        Tensor rows = engine.wrap(engine.backend().layout().gatherRows(table.array(), ids.array()));
        return engine.record(
                rows,
                Edge.of(
                        table,
                        g -> engine.wrap(engine.backend().layout().scatterAddRows(g.array(), ids.array(), v)),
                        ids));
    }
}
