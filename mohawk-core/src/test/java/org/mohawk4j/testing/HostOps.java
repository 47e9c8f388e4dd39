package org.mohawk4j.testing;

import java.util.List;
import java.util.function.DoubleBinaryOperator;
import org.mohawk4j.tensor.types.Shape;

/** The operations of the backend SPI as plain loops in double: what they mean, in code. */
public final class HostOps {
    private HostOps() {}

    public static HostArray binary(HostArray a, HostArray b, DoubleBinaryOperator op) {
        Shape shape = a.shape().broadcast(b.shape());
        HostArray left = broadcast(a, shape);
        HostArray right = broadcast(b, shape);
        return HostArray.byIndex(shape, i -> op.applyAsDouble(left.at(i), right.at(i)));
    }

    public static HostArray broadcast(HostArray x, Shape shape) {
        int extra = shape.rank() - x.shape().rank();
        long[] at = new long[x.shape().rank()];
        return HostArray.byIndex(shape, i -> {
            for (int axis = 0; axis < at.length; axis++) {
                at[axis] = x.shape().dim(axis) == 1 ? 0 : i[axis + extra];
            }
            return x.at(at);
        });
    }

    public static HostArray tril(HostArray x, long diagonal, double fill) {
        int rank = x.shape().rank();
        return HostArray.byIndex(x.shape(), i -> i[rank - 1] <= i[rank - 2] + diagonal ? x.at(i) : fill);
    }

    /** Folds along one axis, which keeps extent 1. */
    public static HostArray fold(HostArray x, int axis, double start, DoubleBinaryOperator op) {
        return HostArray.byIndex(x.shape().with(axis, 1), i -> {
            long[] at = i.clone();
            double result = start;
            for (long k = 0; k < x.shape().dim(axis); k++) {
                at[axis] = k;
                result = op.applyAsDouble(result, x.at(at));
            }
            return result;
        });
    }

    public static HostArray sum(HostArray x, int... axes) {
        HostArray result = x;
        for (int axis : axes) {
            result = fold(result, axis, 0, Double::sum);
        }
        return result;
    }

    public static HostArray max(HostArray x, int axis) {
        return fold(x, axis, Double.NEGATIVE_INFINITY, Math::max);
    }

    public static HostArray cumsum(HostArray x, int axis, boolean reverse) {
        long extent = x.shape().dim(axis);
        return HostArray.byIndex(x.shape(), i -> {
            long[] at = i.clone();
            double sum = 0;
            for (long k = reverse ? i[axis] : 0; k < (reverse ? extent : i[axis] + 1); k++) {
                at[axis] = k;
                sum += x.at(at);
            }
            return sum;
        });
    }

    public static HostArray softmax(HostArray x) {
        int last = x.shape().rank() - 1;
        HostArray shifted = binary(x, max(x, last), (a, b) -> a - b).map(Math::exp);
        return binary(shifted, sum(shifted, last), (a, b) -> a / b);
    }

    public static HostArray matmul(HostArray a, boolean transposeA, HostArray b, boolean transposeB) {
        int rank = a.shape().rank();
        long inner = a.shape().dim(transposeA ? -2 : -1);
        Shape shape = a.shape()
                .with(-2, a.shape().dim(transposeA ? -1 : -2))
                .with(-1, b.shape().dim(transposeB ? -2 : -1));
        return HostArray.byIndex(shape, i -> {
            long[] left = i.clone();
            long[] right = i.clone();
            left[rank - (transposeA ? 1 : 2)] = i[rank - 2];
            right[rank - (transposeB ? 2 : 1)] = i[rank - 1];
            double sum = 0;
            for (long k = 0; k < inner; k++) {
                left[rank - (transposeA ? 2 : 1)] = k;
                right[rank - (transposeB ? 1 : 2)] = k;
                sum += a.at(left) * b.at(right);
            }
            return sum;
        });
    }

    public static HostArray permute(HostArray x, int... order) {
        long[] dims = new long[order.length];
        for (int i = 0; i < dims.length; i++) {
            dims[i] = x.shape().dim(order[i]);
        }
        long[] at = new long[order.length];
        return HostArray.byIndex(Shape.of(dims), i -> {
            for (int axis = 0; axis < at.length; axis++) {
                at[order[axis]] = i[axis];
            }
            return x.at(at);
        });
    }

    public static HostArray narrow(HostArray x, int axis, long from, long length) {
        return HostArray.byIndex(x.shape().with(axis, length), i -> {
            long[] at = i.clone();
            at[axis] += from;
            return x.at(at);
        });
    }

    public static HostArray concat(List<HostArray> parts, int axis) {
        long extent = parts.stream().mapToLong(p -> p.shape().dim(axis)).sum();
        return HostArray.byIndex(parts.get(0).shape().with(axis, extent), i -> {
            long[] at = i.clone();
            int part = 0;
            while (at[axis] >= parts.get(part).shape().dim(axis)) {
                at[axis] -= parts.get(part).shape().dim(axis);
                part++;
            }
            return parts.get(part).at(at);
        });
    }

    /** {@code target} with positions from {@code from} of an axis replaced. */
    public static HostArray replaced(HostArray target, int axis, long from, HostArray source) {
        long to = from + source.shape().dim(axis);
        return HostArray.byIndex(target.shape(), i -> {
            if (i[axis] < from || i[axis] >= to) {
                return target.at(i);
            }
            long[] at = i.clone();
            at[axis] -= from;
            return source.at(at);
        });
    }

    public static HostArray gatherRows(HostArray table, HostArray ids) {
        int rank = ids.shape().rank();
        long[] id = new long[rank];
        return HostArray.byIndex(ids.shape().insert(rank, table.shape().dim(1)), i -> {
            System.arraycopy(i, 0, id, 0, rank);
            return table.at((long) ids.at(id), i[rank]);
        });
    }

    public static HostArray scatterAddRows(HostArray rows, HostArray ids, long v) {
        int width = Math.toIntExact(rows.shape().dim(-1));
        double[] sums = new double[Math.toIntExact(v * width)];
        for (int r = 0; r < ids.shape().size(); r++) {
            for (int d = 0; d < width; d++) {
                sums[((int) ids.flat(r)) * width + d] += rows.flat(r * width + d);
            }
        }
        return HostArray.of(Shape.of(v, width), sums);
    }
}
