package org.mohawk4j.tensor;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.BinaryOp;
import org.mohawk4j.backend.HostMemory;
import org.mohawk4j.backend.UnaryOp;
import org.mohawk4j.tensor.Node.Slot;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.HostSource;
import org.mohawk4j.tensor.types.HostTensor;
import org.mohawk4j.tensor.types.HostTensors;
import org.mohawk4j.tensor.types.Shape;

/**
 * An immutable handle on numbers in a backend's memory, valid until its scope closes. Every method gives a new tensor,
 * made in the innermost scope and recorded on the open tape; its gradient rule stands beside it. Axes may be negative,
 * -1 being the last. Shapes broadcast as in NumPy.
 */
public final class Tensor {
    private final Engine engine;
    private final Handle handle;
    private final @Nullable Slot slot;

    Tensor(Engine engine, Handle handle, @Nullable Slot slot) {
        this.engine = engine;
        this.handle = handle;
        this.slot = slot;
    }

    public Engine engine() {
        return engine;
    }

    public DType dtype() {
        return handle.description().dtype();
    }

    public Shape shape() {
        return handle.description().shape();
    }

    /** The extent of one axis. */
    public long dim(int axis) {
        return shape().dim(axis);
    }

    /** The bytes of all numbers. */
    public long nbytes() {
        return shape().size() * dtype().bytes();
    }

    /** The backend's handle, for kernels. */
    public Array array() {
        engine.requireUsable();
        return handle.array();
    }

    Handle handle() {
        return handle;
    }

    @Nullable Slot slot() {
        return slot;
    }

    Tensor at(Slot position) {
        return new Tensor(engine, handle, position);
    }

    /** The same numbers, which no gradient reaches. */
    public Tensor detach() {
        return engine.detach(this);
    }

    /** A tensor of this shape and type with every element {@code value}. */
    public Tensor fullLike(double value) {
        return engine.full(shape(), dtype(), value);
    }

    /** The same numbers in another type. */
    public Tensor cast(DType dtype) {
        if (dtype == dtype()) {
            return this;
        }
        DType own = dtype();
        return engine.record(
                engine.wrap(engine.backend().memory().cast(array(), dtype)), Edge.of(this, g -> g.cast(own)));
    }

    // --- elementwise -------------------------------------------------------------------------------------------

    public Tensor add(Tensor other) {
        return engine.record(
                binary(BinaryOp.ADD, other),
                Edge.of(this, g -> g.sumTo(shape())),
                Edge.of(other, g -> g.sumTo(other.shape())));
    }

    public Tensor sub(Tensor other) {
        return engine.record(
                binary(BinaryOp.SUBTRACT, other),
                Edge.of(this, g -> g.sumTo(shape())),
                Edge.of(other, g -> g.sumTo(other.shape()).neg()));
    }

    public Tensor mul(Tensor other) {
        return engine.record(
                binary(BinaryOp.MULTIPLY, other),
                Edge.of(this, g -> g.mul(other).sumTo(shape()), other),
                Edge.of(other, g -> g.mul(this).sumTo(other.shape()), this));
    }

    public Tensor div(Tensor other) {
        Tensor y = binary(BinaryOp.DIVIDE, other);
        return engine.record(
                y,
                Edge.of(this, g -> g.div(other).sumTo(shape()), other),
                Edge.of(other, g -> g.mul(y).div(other).neg().sumTo(other.shape()), y, other));
    }

    public Tensor add(double value) {
        return affine(1, value);
    }

    public Tensor mul(double value) {
        return affine(value, 0);
    }

    /** {@code scale * this + shift}. */
    public Tensor affine(double scale, double shift) {
        return engine.record(
                engine.wrap(engine.backend().elementwise().affine(array(), scale, shift)),
                Edge.of(this, g -> scale == 1 ? g : g.mul(scale)));
    }

    public Tensor neg() {
        return engine.record(unary(UnaryOp.NEGATE), Edge.of(this, Tensor::neg));
    }

    public Tensor square() {
        return mul(this);
    }

    public Tensor exp() {
        Tensor y = unary(UnaryOp.EXP);
        return engine.record(y, Edge.of(this, g -> g.mul(y), y));
    }

    public Tensor log() {
        return engine.record(unary(UnaryOp.LOG), Edge.of(this, g -> g.div(this), this));
    }

    public Tensor sqrt() {
        Tensor y = unary(UnaryOp.SQRT);
        return engine.record(y, Edge.of(this, g -> g.div(y).mul(0.5), y));
    }

    public Tensor tanh() {
        Tensor y = unary(UnaryOp.TANH);
        return engine.record(y, Edge.of(this, g -> g.mul(y.square().affine(-1, 1)), y));
    }

    public Tensor relu() {
        return engine.record(unary(UnaryOp.RELU), Edge.of(this, g -> g.mul(unary(UnaryOp.STEP)), this));
    }

    public Tensor sigmoid() {
        Tensor y = unary(UnaryOp.SIGMOID);
        return engine.record(y, Edge.of(this, g -> g.mul(y.sub(y.square())), y));
    }

    /** {@code x * sigmoid(x)}. */
    public Tensor silu() {
        Tensor s = unary(UnaryOp.SIGMOID);
        Tensor y = binary(BinaryOp.MULTIPLY, s);
        return engine.record(y, Edge.of(this, g -> g.mul(y.sub(y.mul(s)).add(s)), s, y));
    }

    /** {@code log(1 + exp(x))}. */
    public Tensor softplus() {
        return engine.record(unary(UnaryOp.SOFTPLUS), Edge.of(this, g -> g.mul(unary(UnaryOp.SIGMOID)), this));
    }

    /**
     * Keeps what lies on or below a diagonal of the last two axes and puts {@code fill} above it.
     *
     * @param diagonal 0 keeps column ≤ row, k keeps column ≤ row + k
     */
    public Tensor tril(long diagonal, double fill) {
        return engine.record(
                engine.wrap(engine.backend().elementwise().tril(array(), diagonal, fill)),
                Edge.of(this, g -> g.tril(diagonal, 0)));
    }

    // --- reductions ---------------------------------------------------------------------------------------------

    /** The sum of all elements, as a tensor of rank 0. */
    public Tensor sum() {
        return sum(allAxes());
    }

    /** The mean of all elements, as a tensor of rank 0. */
    public Tensor mean() {
        return sum().mul(1.0 / shape().size());
    }

    /** Sums over axes, which are dropped. */
    public Tensor sum(int... axes) {
        return sum(axes, false);
    }

    /** Sums over an axis, which is dropped, or keeps extent 1 if {@code keepDim}. */
    public Tensor sum(int axis, boolean keepDim) {
        return sum(new int[] {axis}, keepDim);
    }

    /** Sums over axes, which are dropped, or keep extent 1 if {@code keepDim}. */
    public Tensor sum(int[] axes, boolean keepDim) {
        Shape own = shape();
        int[] sorted = sortedAxes(axes);
        Tensor sums = engine.record(
                engine.wrap(engine.backend().reductions().sum(array(), sorted)),
                Edge.of(this, g -> g.broadcastTo(own)));
        return keepDim ? sums : sums.dropped(sorted);
    }

    /** Means over an axis, which is dropped, or keeps extent 1 if {@code keepDim}. */
    public Tensor mean(int axis, boolean keepDim) {
        return mean(new int[] {axis}, keepDim);
    }

    /** Means over axes, which are dropped, or keep extent 1 if {@code keepDim}. */
    public Tensor mean(int[] axes, boolean keepDim) {
        long count = 1;
        for (int axis : axes) {
            count *= dim(axis);
        }
        return sum(axes, keepDim).mul(1.0 / count);
    }

    /**
     * The maximum along an axis, which is dropped, or keeps extent 1 if {@code keepDim}. Equal maxima share the gradient.
     */
    public Tensor max(int axis, boolean keepDim) {
        int resolved = shape().axis(axis);
        Tensor y = engine.wrap(engine.backend().reductions().max(array(), resolved));
        Tensor maxima = engine.record(
                y,
                Edge.of(
                        this,
                        g -> {
                            Tensor hit = binary(BinaryOp.EQUAL, y);
                            return hit.div(hit.sum(resolved, true)).mul(g);
                        },
                        this,
                        y));
        return keepDim ? maxima : maxima.dropped(resolved);
    }

    /** Without axes of extent 1. */
    private Tensor dropped(int... sorted) {
        Shape reduced = shape();
        for (int i = sorted.length - 1; i >= 0; i--) {
            reduced = reduced.without(sorted[i]);
        }
        return reshape(reduced.toArray());
    }

    /** Softmax along the last axis. */
    public Tensor softmax() {
        Tensor y = engine.wrap(engine.backend().reductions().softmax(array()));
        return engine.record(y, Edge.of(this, g -> y.mul(g.sub(g.mul(y).sum(-1, true))), y));
    }

    /** Running sum along an axis, own element included. */
    public Tensor cumsum(int axis) {
        return cumsum(axis, false);
    }

    /** Running sum along an axis, own element included; from the end if {@code reverse}. */
    public Tensor cumsum(int axis, boolean reverse) {
        int resolved = shape().axis(axis);
        return engine.record(
                engine.wrap(engine.backend().reductions().cumsum(array(), resolved, reverse)),
                Edge.of(this, g -> g.cumsum(resolved, !reverse)));
    }

    /** Undoes broadcasting: sums over the axes along which {@code target} was repeated to this shape. */
    public Tensor sumTo(Shape target) {
        if (shape().equals(target)) {
            return this;
        }
        requireBroadcast(target, shape(), "sum of " + shape() + " to " + target);
        int extra = shape().rank() - target.rank();
        int[] axes = new int[shape().rank()];
        int count = 0;
        for (int i = 0; i < axes.length; i++) {
            if (i < extra || target.dim(i - extra) != dim(i)) {
                axes[count++] = i;
            }
        }
        return sum(Arrays.copyOf(axes, count), true).reshape(target.toArray());
    }

    // --- products -----------------------------------------------------------------------------------------------

    /** Matrix product of the last two axes; leading axes are equal. */
    public Tensor matmul(Tensor other) {
        return matmul(false, other, false);
    }

    /**
     * Matrix product of the last two axes, either side transposed first; leading axes are equal.
     *
     * @param other [..., K, N] against this [..., M, K], before transposition
     * @return [..., M, N]
     */
    public Tensor matmul(boolean transposeThis, Tensor other, boolean transposeOther) {
        long inner = dim(transposeThis ? -2 : -1);
        long otherInner = other.dim(transposeOther ? -1 : -2);
        if (inner != otherInner || shape().rank() != other.shape().rank() || !leadingEqual(other)) {
            throw new IllegalArgumentException("matmul of " + shape() + (transposeThis ? " transposed" : "") + " and "
                    + other.shape() + (transposeOther ? " transposed" : "") + ": shapes do not fit");
        }
        return engine.record(
                engine.wrap(engine.backend().matmul().matmul(array(), transposeThis, other.array(), transposeOther)),
                Edge.of(
                        this,
                        g -> transposeThis
                                ? other.matmul(transposeOther, g, true)
                                : g.matmul(false, other, !transposeOther),
                        other),
                Edge.of(
                        other,
                        g -> transposeOther ? g.matmul(true, this, transposeThis) : matmul(!transposeThis, g, false),
                        this));
    }

    // --- layout -------------------------------------------------------------------------------------------------

    /** The same numbers in another shape; one extent may be -1, which is then worked out. */
    public Tensor reshape(long... dims) {
        Shape target = Shape.of(resolve(dims));
        Shape own = shape();
        if (target.equals(own)) {
            return this;
        }
        return engine.record(
                engine.wrap(engine.backend().layout().reshape(array(), target)),
                Edge.of(this, g -> g.reshape(own.toArray())));
    }

    /** Axis i of the result is axis {@code order[i]} of this. */
    public Tensor permute(int... order) {
        int[] inverse = inverse(order);
        return engine.record(
                engine.wrap(engine.backend().layout().permute(array(), order)), Edge.of(this, g -> g.permute(inverse)));
    }

    /** Positions {@code from .. from + length - 1} of one axis. */
    public Tensor narrow(int axis, long from, long length) {
        int resolved = shape().axis(axis);
        long extent = dim(resolved);
        if (from < 0 || length < 0 || from + length > extent) {
            throw new IllegalArgumentException(
                    "positions " + from + ".." + (from + length - 1) + " of axis " + axis + " are outside " + shape());
        }
        if (length == extent) {
            return this;
        }
        return engine.record(
                engine.wrap(engine.backend().layout().narrow(array(), resolved, from, length)),
                Edge.of(this, g -> g.pad(resolved, from, extent - from - length)));
    }

    /** Neighbouring parts of the given lengths along one axis, which together make it up. */
    public List<Tensor> split(int axis, long... lengths) {
        int resolved = shape().axis(axis);
        if (Arrays.stream(lengths).sum() != dim(resolved)) {
            throw new IllegalArgumentException(
                    "lengths " + Arrays.toString(lengths) + " do not make up axis " + axis + " of " + shape());
        }
        List<Tensor> parts = new ArrayList<>();
        long from = 0;
        for (long length : lengths) {
            parts.add(engine.wrap(engine.backend().layout().narrow(array(), resolved, from, length)));
            from += length;
        }
        return engine.record(parts, List.of(this), gradients -> List.of(concat(resolved, gradients)));
    }

    /** Zeros before and after along one axis. */
    public Tensor pad(int axis, long before, long after) {
        List<Tensor> parts = new ArrayList<>();
        if (before > 0) {
            parts.add(zerosWith(axis, before));
        }
        parts.add(this);
        if (after > 0) {
            parts.add(zerosWith(axis, after));
        }
        return parts.size() == 1 ? this : concat(axis, parts);
    }

    /** Tensors joined along one axis; their other extents are equal. */
    public static Tensor concat(int axis, List<Tensor> parts) {
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
        Engine engine = first.engine;
        return engine.record(
                engine.wrap(engine.backend()
                        .layout()
                        .concat(parts.stream().map(Tensor::array).toList(), resolved)),
                edges);
    }

    /** Repeats extents of 1, and adds leading axes, until the shape is reached. */
    public Tensor broadcastTo(Shape target) {
        if (shape().equals(target)) {
            return this;
        }
        Shape own = shape();
        requireBroadcast(own, target, "broadcast of " + own + " to " + target);
        return engine.record(
                engine.wrap(engine.backend().layout().broadcast(array(), target)), Edge.of(this, g -> g.sumTo(own)));
    }

    // --- out ----------------------------------------------------------------------------------------------------

    /** Copies the numbers to the host in their own type; waits until they are computed. */
    public HostTensor toHost() {
        return engine.backend().memory().download(array());
    }

    /**
     * As {@link #toHost()}, into memory of the caller's.
     *
     * @param target direct, with room from position 0 to its limit for exactly this tensor's bytes
     */
    public HostTensor toHost(ByteBuffer target) {
        engine.backend().memory().download(array(), target);
        return new HostTensor(dtype(), shape(), target.duplicate().position(0));
    }

    /**
     * As {@link #toHost(ByteBuffer)}, of part of the numbers: as many as the target has room for.
     *
     * @param from index of the first one, row-major
     */
    void toHost(long from, ByteBuffer target) {
        engine.backend().memory().download(array(), from, target);
    }

    /**
     * Copies the numbers, of any size, into memory of the caller's.
     *
     * @return the copy, valid until the memory is closed
     * @throws IllegalArgumentException if the memory has another size than {@link #nbytes}
     */
    public HostSource copyTo(HostMemory memory) {
        if (nbytes() != memory.bytes()) {
            throw new IllegalArgumentException(
                    "memory of " + memory.bytes() + " bytes for " + dtype() + " " + shape() + " of " + nbytes());
        }
        List<ByteBuffer> buffers = memory.buffers();
        long from = 0;
        for (ByteBuffer buffer : buffers) {
            toHost(from, buffer);
            from += buffer.limit() / dtype().bytes();
        }
        return HostSource.of(dtype(), shape(), buffers);
    }

    /** The numbers, of any size, copied to the host piece by piece when they are asked for. */
    public HostSource inPieces() {
        return new TensorPieces(this, HostSource.PIECE_BYTES / dtype().bytes());
    }

    /** Copies floating-point numbers to the host, row-major. */
    public double[] toDoubles() {
        return HostTensors.toDoubles(toHost());
    }

    /** Copies floating-point numbers to the host as float32, row-major. */
    public float[] toFloats() {
        return HostTensors.toFloats(toHost());
    }

    /** The one number of a tensor of size 1. */
    public double item() {
        if (shape().size() != 1) {
            throw new IllegalStateException("item() of a tensor of shape " + shape());
        }
        return toDoubles()[0];
    }

    @Override
    public String toString() {
        return "Tensor " + dtype() + " " + shape() + " on " + engine.backend().name();
    }

    // --- helpers ------------------------------------------------------------------------------------------------

    private Tensor unary(UnaryOp op) {
        return engine.wrap(engine.backend().elementwise().unary(op, array()));
    }

    private Tensor binary(BinaryOp op, Tensor other) {
        return engine.wrap(engine.backend().elementwise().binary(op, array(), other.array()));
    }

    private Tensor zerosWith(int axis, long extent) {
        return engine.full(shape().with(axis, extent), dtype(), 0);
    }

    private static void requireBroadcast(Shape from, Shape to, String what) {
        if (from.rank() > to.rank() || !from.broadcast(to).equals(to)) {
            throw new IllegalArgumentException(what + ": shapes do not fit");
        }
    }

    private int[] inverse(int... order) {
        int[] inverse = new int[shape().rank()];
        Arrays.fill(inverse, -1);
        for (int i = 0; i < order.length; i++) {
            if (order.length != inverse.length
                    || order[i] < 0
                    || order[i] >= inverse.length
                    || inverse[order[i]] >= 0) {
                throw new IllegalArgumentException(
                        "permute of " + shape() + " by " + Arrays.toString(order) + ": not each axis once");
            }
            inverse[order[i]] = i;
        }
        return inverse;
    }

    private boolean leadingEqual(Tensor other) {
        for (int i = 0; i < shape().rank() - 2; i++) {
            if (dim(i) != other.dim(i)) {
                return false;
            }
        }
        return true;
    }

    private int[] allAxes() {
        int[] axes = new int[shape().rank()];
        for (int i = 0; i < axes.length; i++) {
            axes[i] = i;
        }
        return axes;
    }

    private int[] sortedAxes(int... axes) {
        int[] sorted = new int[axes.length];
        for (int i = 0; i < axes.length; i++) {
            sorted[i] = shape().axis(axes[i]);
        }
        Arrays.sort(sorted);
        return sorted;
    }

    private long[] resolve(long... dims) {
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
            resolved[open] = shape().size() / known;
        }
        if (Shape.of(resolved).size() != shape().size()) {
            throw new IllegalArgumentException("cannot reshape " + shape() + " to " + Arrays.toString(dims));
        }
        return resolved;
    }
}
