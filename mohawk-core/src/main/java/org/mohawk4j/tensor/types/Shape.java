package org.mohawk4j.tensor.types;

import java.util.Arrays;

/** The extents of a tensor, outermost first, row-major. Immutable. A scalar has rank 0. */
public final class Shape {
    private final long[] dims;
    private final long size;

    private Shape(long[] dims) {
        long product = 1;
        for (long dim : dims) {
            if (dim < 0) {
                throw new IllegalArgumentException("shape " + Arrays.toString(dims) + " has a negative extent");
            }
            product = dim == 0 ? 0 : product;
        }
        for (long dim : dims) {
            product = Math.multiplyExact(product, dim);
        }
        this.dims = dims;
        this.size = product;
    }

    public static Shape of(long... dims) {
        return new Shape(dims.clone());
    }

    public int rank() {
        return dims.length;
    }

    /** Number of elements; 1 for a scalar. */
    public long size() {
        return size;
    }

    /** The extent of an axis; negative axes count from the last, -1 being the last. */
    public long dim(int axis) {
        return dims[axis(axis)];
    }

    /** The axis in 0..rank-1; negative axes count from the last. */
    public int axis(int axis) {
        int resolved = axis < 0 ? axis + dims.length : axis;
        if (resolved < 0 || resolved >= dims.length) {
            throw new IllegalArgumentException("axis " + axis + " is outside " + this);
        }
        return resolved;
    }

    public long[] toArray() {
        return dims.clone();
    }

    /** This shape with one axis's extent replaced. */
    public Shape with(int axis, long dim) {
        long[] changed = dims.clone();
        changed[axis(axis)] = dim;
        return new Shape(changed);
    }

    /** This shape without one axis. */
    public Shape without(int axis) {
        int dropped = axis(axis);
        long[] rest = new long[dims.length - 1];
        for (int i = 0, j = 0; i < dims.length; i++) {
            if (i != dropped) {
                rest[j++] = dims[i];
            }
        }
        return new Shape(rest);
    }

    /** This shape with an axis inserted before position {@code axis} (0..rank). */
    public Shape insert(int axis, long dim) {
        long[] more = new long[dims.length + 1];
        System.arraycopy(dims, 0, more, 0, axis);
        more[axis] = dim;
        System.arraycopy(dims, axis, more, axis + 1, dims.length - axis);
        return new Shape(more);
    }

    /** The shape that both broadcast to, aligned at the last axis, as in NumPy. */
    public Shape broadcast(Shape other) {
        int rank = Math.max(dims.length, other.dims.length);
        long[] result = new long[rank];
        for (int i = 1; i <= rank; i++) {
            long a = i <= dims.length ? dims[dims.length - i] : 1;
            long b = i <= other.dims.length ? other.dims[other.dims.length - i] : 1;
            if (a != b && a != 1 && b != 1) {
                throw new IllegalArgumentException("shapes " + this + " and " + other + " do not broadcast");
            }
            result[rank - i] = a == 1 ? b : a;
        }
        return new Shape(result);
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof Shape s && Arrays.equals(dims, s.dims);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(dims);
    }

    @Override
    public String toString() {
        return Arrays.toString(dims);
    }
}
