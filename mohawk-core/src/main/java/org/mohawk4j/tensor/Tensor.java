package org.mohawk4j.tensor;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.stream.IntStream;
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

    /** Whether the numbers are still there. */
    public boolean isLive() {
        return handle.isLive();
    }

    /** For changes in place: this, or a copy if anything else may be in the same memory. */
    public Tensor unshared() {
        return handle.isShared() || engine.backend().memory().isShared(array()) ? affine(1, 0) : this;
    }

    /** A tensor of this shape and type with every element {@code value}. */
    public Tensor fullLike(double value) {
        return engine.full(shape(), dtype(), value);
    }

    /** The same numbers in another type. */
    public Tensor cast(DType dtype) {
        DType own = dtype();
        return dtype == own
                ? this
                : recorded(engine.backend().memory().cast(array(), dtype), Edge.of(this, g -> g.cast(own)));
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
        return recorded(
                engine.backend().elementwise().affine(array(), scale, shift),
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
        return recorded(
                engine.backend().elementwise().tril(array(), diagonal, fill), Edge.of(this, g -> g.tril(diagonal, 0)));
    }

    // --- reductions ---------------------------------------------------------------------------------------------

    /** The sum of all elements, as a tensor of rank 0. */
    public Tensor sum() {
        return sum(IntStream.range(0, shape().rank()).toArray());
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
        return TensorReductions.sum(this, axes, keepDim);
    }

    /** Means over an axis, which is dropped, or keeps extent 1 if {@code keepDim}. */
    public Tensor mean(int axis, boolean keepDim) {
        return mean(new int[] {axis}, keepDim);
    }

    /** Means over axes, which are dropped, or keep extent 1 if {@code keepDim}. */
    public Tensor mean(int[] axes, boolean keepDim) {
        return TensorReductions.mean(this, axes, keepDim);
    }

    /** The maximum along an axis, dropped unless {@code keepDim}. Equal maxima share the gradient. */
    public Tensor max(int axis, boolean keepDim) {
        return TensorReductions.max(this, axis, keepDim);
    }

    /** Softmax along the last axis. */
    public Tensor softmax() {
        return TensorReductions.softmax(this);
    }

    /** Running sum along an axis, own element included. */
    public Tensor cumsum(int axis) {
        return cumsum(axis, false);
    }

    /** Running sum along an axis, own element included; from the end if {@code reverse}. */
    public Tensor cumsum(int axis, boolean reverse) {
        return TensorReductions.cumsum(this, axis, reverse);
    }

    /** Undoes broadcasting: sums over the axes along which {@code target} was repeated to this shape. */
    public Tensor sumTo(Shape target) {
        return TensorReductions.sumTo(this, target);
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
        return TensorReductions.matmul(this, transposeThis, other, transposeOther);
    }

    // --- layout -------------------------------------------------------------------------------------------------

    /** The same numbers in another shape; one extent may be -1, which is then worked out. */
    public Tensor reshape(long... dims) {
        return TensorLayout.reshape(this, dims);
    }

    /** Axis i of the result is axis {@code order[i]} of this. */
    public Tensor permute(int... order) {
        return TensorLayout.permute(this, order);
    }

    /** Positions {@code from .. from + length - 1} of one axis. */
    public Tensor narrow(int axis, long from, long length) {
        return TensorLayout.narrow(this, axis, from, length);
    }

    /** Neighboring parts of the given lengths along one axis, which together make it up. */
    public List<Tensor> split(int axis, long... lengths) {
        return TensorLayout.split(this, axis, lengths);
    }

    /** Zeros before and after along one axis. */
    public Tensor pad(int axis, long before, long after) {
        return TensorLayout.pad(this, axis, before, after);
    }

    /** Tensors joined along one axis; their other extents are equal. */
    public static Tensor concat(int axis, List<Tensor> parts) {
        return TensorLayout.concat(axis, parts);
    }

    /** Repeats extents of 1, and adds leading axes, until the shape is reached. */
    public Tensor broadcastTo(Shape target) {
        return TensorLayout.broadcastTo(this, target);
    }

    // --- out ----------------------------------------------------------------------------------------------------

    /** Copies the numbers to the host in their own type; waits until they are computed. */
    public HostTensor toHost() {
        return engine.backend().memory().download(array());
    }

    /** As many of the numbers as the target has room for, from one index on, row-major. */
    void toHost(long from, ByteBuffer target) {
        engine.backend().memory().download(array(), from, target);
    }

    /**
     * Copies the numbers, of any size, into a buffer of the caller.
     *
     * @return the copy, valid until the memory is closed
     * @throws IllegalArgumentException if the memory has another size than {@link #nbytes}
     */
    public HostSource copyTo(HostMemory memory) {
        return TensorPieces.copy(this, memory);
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

    Tensor binary(BinaryOp op, Tensor other) {
        return engine.wrap(engine.backend().elementwise().binary(op, array(), other.array()));
    }

    /** What was computed of these inputs, as a tensor. */
    Tensor recorded(Array made, Edge... edges) {
        return engine.record(engine.wrap(made), edges);
    }
}
