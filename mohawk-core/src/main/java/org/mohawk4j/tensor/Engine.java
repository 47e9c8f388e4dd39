package org.mohawk4j.tensor;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.Backend;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.backend.Backends;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.HostSource;
import org.mohawk4j.tensor.types.HostTensors;
import org.mohawk4j.tensor.types.IndexRange;
import org.mohawk4j.tensor.types.Shape;

/**
 * A backend with its open scopes and its open tape. Tensors are created on it. Closing it frees every tensor and
 * closes the backend.
 *
 * <p>One thread at a time: while a thread has a scope or a tape open, another one's use is refused with an
 * {@link IllegalStateException} that names both. When none is open, or its thread has ended, the next thread to use the
 * engine has it. So an engine may be opened on one thread and used on another.
 */
public final class Engine implements AutoCloseable {
    private final Backend backend;
    private final Deque<Scope> scopes = new ArrayDeque<>();
    private final Map<List<Object>, Object> shared = new HashMap<>();
    private @Nullable Tape tape;
    private @Nullable Tensor unit;
    private boolean closed;

    /** The thread that used this last; none once it is closed. */
    private volatile @Nullable Thread user;

    public Engine(Backend backend) {
        this.backend = backend;
        this.user = Thread.currentThread();
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
    public synchronized Scope scope() {
        requireUsable();
        Scope scope = new Scope(this, true);
        scopes.push(scope);
        return scope;
    }

    /** A scope that new tensors do not enter by themselves, for what outlives a step: see {@link Scope#adopt}. */
    public Scope detachedScope() {
        return new Scope(this, false);
    }

    /**
     * A value that models on this engine share, created on first use.
     *
     * @param key identifies the value, by equality
     */
    public <T> T shared(Class<T> type, Object key, Supplier<T> make) {
        return type.cast(shared.computeIfAbsent(List.of(type, key), k -> make.get()));
    }

    /** The next to ask for it gets a new one. */
    public void endSharing(Class<?> type, Object key) {
        shared.remove(List.of(type, key));
    }

    /** Runs {@code body} in its own scope, which only the result outlives. */
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
        return use(new Tape(this, tape, watched));
    }

    /** Records on this tape until it is closed. */
    synchronized <T extends Tape> T use(T opened) {
        requireUsable();
        tape = opened;
        return opened;
    }

    /** The tape that records now. */
    @Nullable Tape openTape() {
        return tape;
    }

    /**
     * {@code body.apply(x)} whose intermediate results are not stored for the backward pass but computed again there.
     * Other tensors that the body reads get their gradients too, and are kept until then as x is.
     *
     * @param body gives the same result each time, of nothing but tensors that are not changed before the backward pass
     */
    public Tensor recompute(Tensor x, UnaryOperator<Tensor> body) {
        return tape == null ? body.apply(x) : tape.recompute(x, body);
    }

    /** Runs {@code body} without recording it. */
    public Tensor unrecorded(Supplier<Tensor> body) {
        List<Tensor> result = new ArrayList<>(1);
        withoutTape(() -> result.add(body.get()));
        return result.get(0).detach();
    }

    void withoutTape(Runnable body) {
        Tape suspended = tape;
        tape = null;
        try {
            body.run();
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

    /** As {@link #fused(List, List, List, List, FusedBackward)}, for one output. */
    public Tensor fused(
            List<Tensor> inputs, List<Tensor> read, Array output, List<Array> saved, FusedBackward backward) {
        return fused(inputs, read, List.of(wrap(output)), saved, backward).get(0);
    }

    /**
     * Ties what a backend's fused operation computed to its inputs, so that the open tape can differentiate it.
     *
     * @param inputs what the backward pass gives the gradients of
     * @param read every tensor that the backward pass reads, which the tape keeps alive until then
     * @param outputs from {@link #wrap}
     * @param saved what the forward pass saved for the backward pass alone
     * @return the outputs, on the tape if any input is
     */
    public List<Tensor> fused(
            List<Tensor> inputs, List<Tensor> read, List<Tensor> outputs, List<Array> saved, FusedBackward backward) {
        List<Tensor> kept = saved.stream().map(this::wrap).toList();
        JointGradient rule = gradients -> {
            IdentityHashMap<Array, Tensor> known = new IdentityHashMap<>();
            gradients.forEach(gradient -> known.put(gradient.array(), gradient));
            return backward.gradients(arrays(gradients), arrays(kept)).stream()
                    .map(array -> known.computeIfAbsent(array, this::wrap))
                    .toList();
        };
        return record(
                outputs,
                inputs,
                rule,
                Stream.concat(kept.stream(), read.stream()).toArray(Tensor[]::new));
    }

    private static List<Array> arrays(List<Tensor> tensors) {
        return tensors.stream().map(Tensor::array).toList();
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
        return tape != null && tape.isTracked(tensor);
    }

    /** Copies host numbers to the device as {@code dtype}. */
    public Tensor tensor(HostSource host, DType dtype) {
        requireUsable();
        return wrap(backend.memory().upload(host, dtype));
    }

    /** Copies numbers to the device in the type of parameters. */
    public Tensor tensor(double[] values, long... shape) {
        return tensor(HostTensors.of(Shape.of(shape), values), parameterType());
    }

    /** Copies numbers to the device in the type of parameters. */
    public Tensor tensor(float[] values, long... shape) {
        return tensor(HostTensors.of(Shape.of(shape), values), parameterType());
    }

    /** Copies indices, such as token ids, to the device as int32. */
    public Tensor indices(int[] values, long... shape) {
        requireUsable();
        return wrap(
                backend.memory().upload(HostTensors.of(Shape.of(shape), values), DType.INT32), IndexRange.of(values));
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
        return full(Shape.of(shape), parameterType(), value);
    }

    Tensor full(Shape shape, DType dtype, double value) {
        requireUsable();
        return wrap(backend.memory().full(shape, dtype, value));
    }

    public Tensor zeros(long... shape) {
        return full(0, shape);
    }

    /** The innermost open scope, which new tensors belong to. */
    public Scope currentScope() {
        requireUsable();
        return scopes.element();
    }

    /** Refuses a use after closing, or by a thread while another one is at work. */
    void requireUsable() {
        if (user != Thread.currentThread()) {
            take(tape);
        }
    }

    /** @param open the tape that counts as open */
    private synchronized void take(@Nullable Tape open) {
        if (closed) {
            throw new IllegalStateException("the " + backend.name() + " engine is used after it was closed");
        }
        Thread before = user;
        Thread now = Thread.currentThread();
        if (before != null && before != now && before.isAlive() && (scopes.size() > 1 || open != null)) {
            throw new IllegalStateException("the " + backend.name() + " engine is used by thread '" + now.getName()
                    + "' while thread '" + before.getName()
                    + "' has a scope or a tape open on it; one thread at a time uses an engine");
        }
        user = now;
    }

    /** Gives up one reference to memory; all of it is freed already once the engine is closed. */
    /** Before something is released, so that it can be released by the right thread if this is not it. */
    void requireOwnThread() {
        if (!closed) {
            requireUsable();
        }
    }

    void release(Handle handle) {
        if (!closed) {
            requireUsable();
            handle.release(backend.memory());
        }
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

    void requireInnermost(Scope scope) {
        requireUsable();
        if (scopes.peek() != scope) {
            throw new IllegalStateException("scopes must close in reverse order of opening");
        }
    }

    synchronized void pop(Scope scope) {
        requireInnermost(scope);
        scopes.pop();
    }

    void replaceTape(Tape closing, @Nullable Tape outer) {
        if (tape == closing) {
            if (user != Thread.currentThread()) {
                take(outer);
            }
            tape = outer;
        }
    }

    /** Frees every tensor and closes the backend. */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        requireUsable();
        while (!scopes.isEmpty()) {
            scopes.element().close();
        }
        tape = null;
        closed = true;
        user = null;
        backend.close();
    }
}
