package org.mohawk4j.backend;

import java.util.List;
import org.mohawk4j.tensor.types.Shape;

/** Rearranging without arithmetic, and rows picked by index. */
public interface LayoutOps {
    /** The same numbers in another shape of the same size, as a view: a change of one is a change of both. */
    Array reshape(Array x, Shape shape);

    /** Axis i of the result is axis {@code order[i]} of x. May be a view. */
    Array permute(Array x, int... order);

    /**
     * Positions {@code from .. from + length - 1} of one axis. May be a view; of the only axis with more than one element
     * it is one.
     */
    Array narrow(Array x, int axis, long from, long length);

    /** Arrays joined along one axis; their other extents are equal. */
    Array concat(List<Array> parts, int axis);

    /** Repeats extents of 1 until the shape is reached. */
    Array broadcast(Array x, Shape shape);

    /**
     * Rows of a table.
     *
     * @param table [V, D]
     * @param ids int32 of any shape, each in 0..V-1
     * @return ids' shape with D appended
     */
    Array gatherRows(Array table, Array ids);

    /**
     * Sums rows that have the same index; the gradient of {@link #gatherRows}. The order of summation is fixed.
     *
     * @param rows [..., D]
     * @param ids int32, the shape of {@code rows} without D
     * @return [V, D], zero where no index points
     */
    Array scatterAddRows(Array rows, Array ids, long v);

    /**
     * Adds rows to those of a table in place; of equal indices in a fixed order.
     *
     * @param table [V, D]
     * @param rows [..., D] of the table's type
     * @param ids int32, the shape of {@code rows} without D, each in 0..V-1
     */
    void addRows(Array table, Array rows, Array ids);
}
