package org.mohawk4j.backend.cuda.op.tensor;

import org.mohawk4j.tensor.types.Shape;

/**
 * Where the elements of a shape lie on two sides, each with a stride per axis: the structure of that name in
 * {@code common.cuh}. Axes that lie together on both sides are merged, so that most cases have one to three.
 */
public final class Indexing {
    private static final int MOST_AXES = 8;

    private final long[] extents = new long[MOST_AXES];
    private final long[] left = new long[MOST_AXES];
    private final long[] right = new long[MOST_AXES];
    private int rank;

    private Indexing() {}

    public Indexing(Shape shape, long[] leftStrides, long[] rightStrides) {
        for (int axis = 0; axis < shape.rank(); axis++) {
            append(shape.dim(axis), leftStrides[axis], rightStrides[axis], shape);
        }
    }

    private void append(long extent, long leftStride, long rightStride, Shape shape) {
        if (extent == 1) {
            return;
        }
        int last = rank - 1;
        if (rank > 0 && left[last] == leftStride * extent && right[last] == rightStride * extent) {
            extents[last] *= extent;
        } else {
            if (rank == MOST_AXES) {
                throw new IllegalArgumentException("the cuda backend handles up to " + MOST_AXES
                        + " axes that do not lie together; got shape " + shape);
            }
            last = rank++;
            extents[last] = extent;
        }
        left[last] = leftStride;
        right[last] = rightStride;
    }

    /** Whether both sides run through their elements one after the other. */
    public boolean isContiguous() {
        return rank == 0 || (rank == 1 && left[0] == 1 && right[0] == 1);
    }

    /**
     * How many neighbors, up to a power of two, always lie together on both sides, so that they can be moved as one.
     *
     * @param most a power of two
     */
    public int together(int most) {
        int count = most;
        while (count > 1 && !liesInGroupsOf(count)) {
            count /= 2;
        }
        return count;
    }

    private boolean liesInGroupsOf(int count) {
        int last = rank - 1;
        boolean fits = rank > 0 && left[last] == 1 && right[last] == 1 && extents[last] % count == 0;
        for (int axis = 0; axis < last; axis++) {
            fits &= left[axis] % count == 0 && right[axis] % count == 0;
        }
        return fits;
    }

    /** The same for groups of {@code count} neighbors, as {@link #together} allows. */
    public Indexing grouped(int count) {
        Indexing groups = new Indexing();
        for (int axis = 0; axis < rank; axis++) {
            boolean innermost = axis == rank - 1;
            groups.extents[axis] = innermost ? extents[axis] / count : extents[axis];
            groups.left[axis] = innermost ? 1 : left[axis] / count;
            groups.right[axis] = innermost ? 1 : right[axis] / count;
        }
        groups.rank = rank;
        return groups;
    }

    public long[] fields() {
        long[] fields = new long[1 + 3 * MOST_AXES];
        fields[0] = rank;
        System.arraycopy(extents, 0, fields, 1, MOST_AXES);
        System.arraycopy(left, 0, fields, 1 + MOST_AXES, MOST_AXES);
        System.arraycopy(right, 0, fields, 1 + 2 * MOST_AXES, MOST_AXES);
        return fields;
    }

    /** Row-major. */
    public static long[] strides(Shape shape) {
        long[] strides = new long[shape.rank()];
        long stride = 1;
        for (int axis = shape.rank() - 1; axis >= 0; axis--) {
            strides[axis] = stride;
            stride *= shape.dim(axis);
        }
        return strides;
    }

    /** Strides of an array that is repeated to reach a shape. */
    public static long[] repeated(Shape own, Shape reached) {
        long[] strides = strides(own);
        long[] result = new long[reached.rank()];
        for (int i = 1; i <= own.rank(); i++) {
            boolean repeats = own.dim(-i) == 1 && reached.dim(-i) != 1;
            result[reached.rank() - i] = repeats ? 0 : strides[own.rank() - i];
        }
        return result;
    }
}
