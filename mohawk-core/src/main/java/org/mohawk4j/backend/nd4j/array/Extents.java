package org.mohawk4j.backend.nd4j.array;

import org.mohawk4j.tensor.types.Shape;

/** Products of extents around an axis: every operation along one axis is one on [before, axis, after]. */
public final class Extents {
    private Extents() {}

    public static long before(Shape shape, int axis) {
        return between(shape, 0, axis);
    }

    public static long after(Shape shape, int axis) {
        return between(shape, axis + 1, shape.rank());
    }

    /** Of axes {@code from .. to - 1}. */
    public static long between(Shape shape, int from, int to) {
        long product = 1;
        for (int i = from; i < to; i++) {
            product *= shape.dim(i);
        }
        return product;
    }
}
