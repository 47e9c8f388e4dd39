package org.mohawk4j.tensor;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.mohawk4j.backend.LayoutOps;
import org.mohawk4j.tensor.types.Shape;

/** How {@link Tensor} rearranges numbers, with the gradient rules. */
final class TensorLayout {
    private TensorLayout() {}

    private static LayoutOps ops(Tensor x) {
        return x.engine().backend().layout();
    }

    static Tensor reshape(Tensor x, long... dims) {
        Shape own = x.shape();
        Shape target = Shape.of(resolve(own, dims));
        return target.equals(own)
                ? x
                : x.recorded(ops(x).reshape(x.array(), target), Edge.of(x, g -> g.reshape(own.toArray())));
    }

    private static long[] resolve(Shape own, long... dims) {
        long known = 1;
        int open = -1;
        for (int i = 0; i < dims.length; i++) {
            if (dims[i] == -1) {
                open = i;
            } else {
                known *= dims[i];
            }
        }
        long[] resolved = dims.clone();
        if (open >= 0 && known != 0) {
            resolved[open] = own.size() / known;
        }
        if (Shape.of(resolved).size() != own.size()) {
            throw new IllegalArgumentException("cannot reshape " + own + " to " + Arrays.toString(dims));
        }
        return resolved;
    }

    static Tensor permute(Tensor x, int... order) {
        int[] inverse = inverse(x.shape(), order);
        return x.recorded(ops(x).permute(x.array(), order), Edge.of(x, g -> g.permute(inverse)));
    }

    private static int[] inverse(Shape own, int... order) {
        int[] inverse = new int[own.rank()];
        Arrays.fill(inverse, -1);
        for (int i = 0; i < order.length; i++) {
            if (order.length != inverse.length
                    || order[i] < 0
                    || order[i] >= inverse.length
                    || inverse[order[i]] >= 0) {
                throw new IllegalArgumentException(
                        "permute of " + own + " by " + Arrays.toString(order) + ": not each axis once");
            }
            inverse[order[i]] = i;
        }
        return inverse;
    }

    static Tensor narrow(Tensor x, int axis, long from, long length) {
        int resolved = x.shape().axis(axis);
        long extent = x.dim(resolved);
        if (from < 0 || length < 0 || from + length > extent) {
            throw new IllegalArgumentException("positions " + from + ".." + (from + length - 1) + " of axis " + axis
                    + " are outside " + x.shape());
        }
        return length == extent
                ? x
                : x.recorded(
                        ops(x).narrow(x.array(), resolved, from, length),
                        Edge.of(x, g -> g.pad(resolved, from, extent - from - length)));
    }

    static List<Tensor> split(Tensor x, int axis, long... lengths) {
        int resolved = x.shape().axis(axis);
        if (Arrays.stream(lengths).sum() != x.dim(resolved)) {
            throw new IllegalArgumentException(
                    "lengths " + Arrays.toString(lengths) + " do not make up axis " + axis + " of " + x.shape());
        }
        List<Tensor> parts = new ArrayList<>();
        long from = 0;
        for (long length : lengths) {
            parts.add(x.engine().wrap(ops(x).narrow(x.array(), resolved, from, length)));
            from += length;
        }
        return x.engine().record(parts, List.of(x), gradients -> List.of(concat(resolved, gradients)));
    }

    static Tensor pad(Tensor x, int axis, long before, long after) {
        List<Tensor> parts = new ArrayList<>();
        if (before > 0) {
            parts.add(zerosWith(x, axis, before));
        }
        parts.add(x);
        if (after > 0) {
            parts.add(zerosWith(x, axis, after));
        }
        return parts.size() == 1 ? x : concat(axis, parts);
    }

    private static Tensor zerosWith(Tensor x, int axis, long extent) {
        return x.engine().full(x.shape().with(axis, extent), x.dtype(), 0);
    }

    static Tensor concat(int axis, List<Tensor> parts) {
        Tensor first = parts.get(0);
        int resolved = first.shape().axis(axis);
        Edge[] edges = new Edge[parts.size()];
        long position = 0;
        for (int i = 0; i < edges.length; i++) {
            long from = position;
            Shape shape = parts.get(i).shape();
            if (shape.rank() != first.shape().rank()
                    || !shape.with(resolved, 0).equals(first.shape().with(resolved, 0))) {
                throw new IllegalArgumentException(
                        "concat of " + first.shape() + " and " + shape + " on axis " + axis + ": other extents differ");
            }
            long length = shape.dim(resolved);
            edges[i] = Edge.of(parts.get(i), g -> g.narrow(resolved, from, length));
            position += length;
        }
        return first.recorded(
                ops(first).concat(parts.stream().map(Tensor::array).toList(), resolved), edges);
    }

    static Tensor broadcastTo(Tensor x, Shape target) {
        Shape own = x.shape();
        if (own.equals(target)) {
            return x;
        }
        requireBroadcast(own, target, "broadcast of " + own + " to " + target);
        return x.recorded(ops(x).broadcast(x.array(), target), Edge.of(x, g -> g.sumTo(own)));
    }

    static void requireBroadcast(Shape from, Shape to, String what) {
        if (from.rank() > to.rank() || !from.broadcast(to).equals(to)) {
            throw new IllegalArgumentException(what + ": shapes do not fit");
        }
    }
}
