package org.mohawk4j.tensor;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.mohawk4j.backend.BinaryOp;
import org.mohawk4j.backend.ReductionOps;
import org.mohawk4j.tensor.types.Shape;

/** Sums, products and the like of {@link Tensor} along its axes, with the gradient rules. */
final class TensorReductions {
    private TensorReductions() {}

    private static ReductionOps ops(Tensor x) {
        return x.engine().backend().reductions();
    }

    static Tensor sum(Tensor x, int[] axes, boolean keepDim) {
        Shape own = x.shape();
        int[] sorted = IntStream.of(axes).map(own::axis).sorted().toArray();
        Tensor sums = x.recorded(ops(x).sum(x.array(), sorted), Edge.of(x, g -> g.broadcastTo(own)));
        return keepDim ? sums : dropped(sums, sorted);
    }

    static Tensor mean(Tensor x, int[] axes, boolean keepDim) {
        long count = 1;
        for (int axis : axes) {
            count *= x.dim(axis);
        }
        return sum(x, axes, keepDim).mul(1.0 / count);
    }

    static Tensor max(Tensor x, int axis, boolean keepDim) {
        int resolved = x.shape().axis(axis);
        Tensor y = x.engine().wrap(ops(x).max(x.array(), resolved));
        Tensor maxima = x.engine()
                .record(
                        y,
                        Edge.of(
                                x,
                                g -> {
                                    Tensor hit = x.binary(BinaryOp.EQUAL, y);
                                    return hit.div(hit.sum(resolved, true)).mul(g);
                                },
                                x,
                                y));
        return keepDim ? maxima : dropped(maxima, resolved);
    }

    /** Without axes of extent 1. */
    private static Tensor dropped(Tensor x, int... sorted) {
        Shape reduced = x.shape();
        for (int i = sorted.length - 1; i >= 0; i--) {
            reduced = reduced.without(sorted[i]);
        }
        return x.reshape(reduced.toArray());
    }

    static Tensor softmax(Tensor x) {
        Tensor y = x.engine().wrap(ops(x).softmax(x.array()));
        return x.engine().record(y, Edge.of(x, g -> y.mul(g.sub(g.mul(y).sum(-1, true))), y));
    }

    static Tensor cumsum(Tensor x, int axis, boolean reverse) {
        int resolved = x.shape().axis(axis);
        return x.recorded(ops(x).cumsum(x.array(), resolved, reverse), Edge.of(x, g -> g.cumsum(resolved, !reverse)));
    }

    static Tensor sumTo(Tensor x, Shape target) {
        if (x.shape().equals(target)) {
            return x;
        }
        TensorLayout.requireBroadcast(target, x.shape(), "sum of " + x.shape() + " to " + target);
        int extra = x.shape().rank() - target.rank();
        int[] axes = new int[x.shape().rank()];
        int count = 0;
        for (int i = 0; i < axes.length; i++) {
            if (i < extra || target.dim(i - extra) != x.dim(i)) {
                axes[count++] = i;
            }
        }
        return sum(x, Arrays.copyOf(axes, count), true).reshape(target.toArray());
    }

    static Tensor matmul(Tensor x, boolean transposeX, Tensor y, boolean transposeY) {
        long inner = x.dim(transposeX ? -2 : -1);
        long otherInner = y.dim(transposeY ? -1 : -2);
        if (inner != otherInner
                || x.shape().rank() != y.shape().rank()
                || !x.shape()
                        .with(-1, 1)
                        .with(-2, 1)
                        .equals(y.shape().with(-1, 1).with(-2, 1))) {
            throw new IllegalArgumentException("matmul of " + x.shape() + (transposeX ? " transposed" : "") + " and "
                    + y.shape() + (transposeY ? " transposed" : "") + ": shapes do not fit");
        }
        return x.recorded(
                x.engine().backend().matmul().matmul(x.array(), transposeX, y.array(), transposeY),
                Edge.of(x, g -> transposeX ? y.matmul(transposeY, g, true) : g.matmul(false, y, !transposeY), y),
                Edge.of(y, g -> transposeY ? g.matmul(true, x, transposeX) : x.matmul(!transposeX, g, false), x));
    }
}
