package org.mohawk4j.tensor;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.List;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.Backend;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.backend.Backends;

/**
 * A backend with its open scopes and its open tape: what tensors are made on. One thread at a time. Closing it frees
 * every tensor and closes the backend.
 */
public final class Engine implements AutoCloseable {
    private final Backend backend;
    private final Deque<Scope> scopes = new ArrayDeque<>();
    private @Nullable Tape tape;
    private @Nullable Tensor unit;

    public Engine(Backend backend) {
        this.backend = backend;
        scopes.push(new Scope(this, true));
    }

    /** Opens a backend by name, {@code auto} for the best one that runs here; see {@link Backends#open}. */
    public static Engine open(String backend, BackendOptions options) {
        return new Engine(Backends.open(backend, options));
    }

    public Backend backend() {
        return backend;
    }

    /** The type that parameters are kept in. */
    public DType parameterType() {
        return backend.parameterType();
    }

    /** Opens a scope: tensors made from now on are freed when it closes. Scopes close in reverse order of opening. */
    public Scope scope() {
        Scope scope = new Scope(this, true);
        scopes.push(scope);
        return scope;
    }

    /** A scope that new tensors do not enter by themselves, for what outlives a step: see {@link Scope#adopt}. */
    public Scope detachedScope() {
        return new Scope(this, false);
    }

    /** Runs {@code body} in a scope of its own, from which only the result comes out. */
    public Tensor scoped(Supplier<Tensor> body) {
        try (Scope scope = scope()) {
            return scope.keep(body.get());
        }
    }

    /**
     * Opens a tape that records what is computed from the given tensors, so that {@link Tape#gradients} can
     * differentiate it. Nothing is recorded or saved for anything that does not depend on them.
     */
    public Tape tape(Collection<Tensor> watched) {
        Tape opened = new Tape(this, tape, watched, true);
        tape = opened;
        return opened;
    }

    /**
     * {@code body.apply(x)} whose intermediate results are not stored for the backward pass but computed again there.
     * Both times {@link #isTracked} answers the same, so that operations that depend on it give the same bits. The body
     * must give the same result each time.
     */
    public Tensor recomputed(Tensor x, UnaryOperator<Tensor> body) {
        Tape current = tape;
        return current == null ? body.apply(x) : current.recomputed(x, body);
    }

    /** Runs {@code body} without recording it. */
    public Tensor unrecorded(Supplier<Tensor> body) {
        return withTape(null, body).detach();
    }

    /** Runs {@code body} with another tape open, or none. */
    <R> R withTape(@Nullable Tape other, Supplier<R> body) {
        Tape suspended = tape;
        tape = other;
        try {
            return body.get();
        } finally {
            tape = suspended;
        }
    }

    /** A new tensor owned by the innermost scope. */
    public Tensor wrap(Array array) {
        return wrap(array, null);
    }

    private Tensor wrap(Array array, @Nullable IndexRange indices) {
        Scope scope = currentScope();
        Handle handle = new Handle(array, scope, indices);
        scope.own(handle);
        return new Tensor(this, handle, null);
    }

    /**
     * Ties a result to the inputs it was computed from, so that the open tape can differentiate it.
     *
     * @param output from {@link #wrap}
     * @return the same numbers, on the tape if any input is
     */
    public Tensor record(Tensor output, Edge... edges) {
        return tape == null ? output : tape.record(output, List.of(edges));
    }

    /** As {@link #record}, for several results or when one computation gives all gradients. */
    public List<Tensor> record(List<Tensor> outputs, List<Tensor> inputs, JointGradient gradient, Tensor... saved) {
        return tape == null ? outputs : tape.record(outputs, inputs, gradient, List.of(saved));
    }

    /**
     * Whether a gradient is the 1 that a loss is differentiated from: then an operation that has its gradients ready need
     * not multiply them by it.
     */
    public boolean isUnit(Tensor gradient) {
        return unit != null && unit.handle() == gradient.handle();
    }

    /** Differentiates a loss from a 1. */
    Gradients startingAt(Tensor one, Supplier<Gradients> differentiate) {
        Tensor outer = unit;
        unit = one;
        try {
            return differentiate.get();
        } finally {
            unit = outer;
        }
    }

    Tensor detach(Tensor tensor) {
        return tape == null ? tensor : tape.detach(tensor);
    }

    /** Whether a change of this tensor would be felt by the open tape. */
    public boolean isTracked(Tensor tensor) {
        return tape != null && tape.slotOf(tensor) != null;
    }

    /** Copies host numbers to the device as {@code dtype}. */
    public Tensor tensor(HostTensor host, DType dtype) {
        return wrap(backend.memory().upload(host, dtype));
    }

    /** Copies numbers to the device in the type of parameters. */
    public Tensor tensor(double[] values, long... shape) {
        ByteBuffer bytes = ByteBuffer.allocate(values.length * Double.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asDoubleBuffer().put(values);
        return tensor(new HostTensor(DType.FLOAT64, Shape.of(shape), bytes), parameterType());
    }

    /** Copies numbers to the device in the type of parameters. */
    public Tensor tensor(float[] values, long... shape) {
        ByteBuffer bytes = ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(values);
        return tensor(new HostTensor(DType.FLOAT32, Shape.of(shape), bytes), parameterType());
    }

    /** Copies indices, such as token ids, to the device as int32. */
    public Tensor indices(int[] values, long... shape) {
        ByteBuffer bytes = ByteBuffer.allocate(values.length * Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asIntBuffer().put(values);
        HostTensor host = new HostTensor(DType.INT32, Shape.of(shape), bytes);
        return wrap(backend.memory().upload(host, DType.INT32), IndexRange.of(values));
    }

    /**
     * Refuses indices that reach beyond a table. Known of what {@link #indices} made of numbers on the host; what a
     * device computed is not waited for, and taken as right.
     *
     * @param limit how many entries the table has
     * @param indices of any shape
     * @param what the indices, for the message
     * @throws org.mohawk4j.InvalidInputException for an index below 0 or from {@code limit} on
     */
    public void requireIndicesBelow(long limit, Tensor indices, String what) {
        IndexRange range = indices.handle().indices();
        if (range != null) {
            range.requireBelow(limit, what);
        }
    }

    /** A tensor with every element {@code value}, in the type of parameters. */
    public Tensor full(double value, long... shape) {
        return wrap(backend.memory().full(Shape.of(shape), parameterType(), value));
    }

    public Tensor zeros(long... shape) {
        return full(0, shape);
    }

    /** The innermost open scope, which receives what is made now. */
    public Scope currentScope() {
        return scopes.element();
    }

    Scope enclosing(Scope scope) {
        boolean next = false;
        for (Scope candidate : scopes) {
            if (next) {
                return candidate;
            }
            next = candidate == scope;
        }
        throw new IllegalStateException("the scope has no enclosing scope");
    }

    void pop(Scope scope) {
        if (scopes.peek() != scope) {
            throw new IllegalStateException("scopes must close in reverse order of opening");
        }
        scopes.pop();
    }

    void replaceTape(Tape closing, @Nullable Tape outer) {
        if (tape == closing) {
            tape = outer;
        }
    }

    /** Frees every tensor and closes the backend. */
    @Override
    public void close() {
        while (!scopes.isEmpty()) {
            scopes.element().close();
        }
        backend.close();
    }
}
