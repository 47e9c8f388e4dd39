package org.mohawk4j.nn;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.HostSource;
import org.mohawk4j.tensor.types.Shape;

/** A trainable array of a module. Its memory is taken when it is first read or set, and outlives every step. */
public final class Parameter {
    private final Engine engine;
    private final Shape shape;
    private final Initializer initializer;
    private final Scope scope;
    private @Nullable Tensor value;
    private @Nullable Runnable arrival;
    private @Nullable Part part;
    private List<Section> sections = List.of();
    private boolean closed;

    /** Where the numbers of a parameter come from of which only a part is here. */
    @FunctionalInterface
    public interface Source {
        /** All of them, to be read until the innermost scope closes. The open tape differentiates {@link #kept} through it. */
        Tensor whole(Parameter parameter);
    }

    private record Part(long first, long count, Source source) {}

    /** Neighboring rows of a parameter, entries of its first extent, that belong together. */
    public record Section(String name, long rows) {}

    Parameter(Engine engine, Shape shape, Initializer initializer) {
        this.engine = engine;
        this.shape = shape;
        this.initializer = initializer;
        this.scope = engine.detachedScope();
    }

    public Shape shape() {
        return shape;
    }

    /** The sections it consists of, in order; none if it is one thing. */
    public List<Section> sections() {
        return sections;
    }

    /** Says which sections it consists of. */
    void divide(List<Section> all) {
        long rows = all.stream().mapToLong(Section::rows).sum();
        if (rows != shape.dim(0)) {
            throw new IllegalArgumentException("a parameter of shape " + shape + " in sections " + all);
        }
        sections = List.copyOf(all);
    }

    /** The current value. An optimizer changes its numbers in place. */
    public Tensor value() {
        Part own = part;
        return own == null ? kept() : own.source().whole(this);
    }

    /** What is kept of the value: all of it, or a part, flat. */
    public Tensor kept() {
        arrive();
        Tensor current = value;
        if (current == null) {
            requireOpen();
            if (isElsewhere()) {
                throw new IllegalStateException("the numbers of a parameter of shape " + shape + " are elsewhere");
            }
            current = replace(engine.tensor(initializer.create(shape), engine.parameterType()));
        }
        return current;
    }

    /**
     * Keeps neighboring elements alone from now on, row-major.
     *
     * @param first index of the first of them
     * @param source gives all elements to readers of the value
     */
    public void keepPart(long first, long count, Source source) {
        try (Scope work = engine.scope()) {
            Tensor own = value().reshape(shape.size()).narrow(0, first, count).affine(1, 0);
            part = new Part(first, count, source);
            replace(own);
        }
    }

    /**
     * Keeps no element from now on, since another device has them. Numbers that are set are dropped.
     *
     * @param source as in {@link #keepPart}
     */
    public void keepNone(Source source) {
        free();
        part = new Part(0, 0, source);
    }

    /** Keeps all elements again. */
    public void keepWhole() {
        Tensor whole = value();
        part = null;
        replace(whole);
    }

    /** Whether only a part is kept. */
    public boolean isPart() {
        return part != null;
    }

    /** Whether nothing is kept. */
    public boolean isElsewhere() {
        return part != null && part.count() == 0;
    }

    /**
     * Says that the numbers are on their way, to be waited for before they are used again: what another device changes need
     * not hold up what does not read it.
     *
     * @param wait called once, before the next use
     */
    public void arrivesWith(Runnable wait) {
        arrive();
        arrival = wait;
    }

    private void arrive() {
        Runnable pending = arrival;
        if (pending != null) {
            arrival = null;
            pending.run();
        }
    }

    /** Copies host numbers in, of any floating type. */
    public void set(HostSource numbers) {
        set(numbers, engine.parameterType());
    }

    /**
     * As {@link #set(HostSource)}, keeping them in another type, without a copy in the engine's own: as {@link #narrow}
     * leaves them.
     */
    public void set(HostSource numbers, DType dtype) {
        requireShape(numbers);
        if (isElsewhere()) {
            return;
        }
        Part own = part;
        replace(engine.tensor(own == null ? numbers : numbers.slice(own.first(), Shape.of(own.count())), dtype));
    }

    private void requireShape(HostSource numbers) {
        if (!numbers.shape().equals(shape)) {
            throw new IllegalArgumentException("a parameter of shape " + shape + " is given " + numbers.shape());
        }
    }

    /**
     * Keeps the numbers in another type from now on, until they are set again. Only parameters of the backend's
     * own type can be trained.
     */
    void narrow(DType dtype) {
        replace(value().cast(dtype));
    }

    /** Overwrites rows {@code from ..}, entries of its first extent, with [.., the other extents]. */
    public void setRows(long from, Tensor rows) {
        engine.backend().memory().copyInto(value().array(), 0, from, rows.array());
    }

    /** Copies another parameter's numbers. */
    public void set(Parameter other) {
        set(other.value().inPieces());
    }

    /**
     * Uses the given tensor from now on, even if other code changes its numbers: parameters that another program owns.
     *
     * @param shared of this parameter's shape and the engine's type for parameters; it becomes this parameter's to free
     */
    public void bind(Tensor shared) {
        if (!shared.shape().equals(shape) || shared.dtype() != engine.parameterType()) {
            throw new IllegalArgumentException("a parameter of " + engine.parameterType() + " " + shape
                    + " is bound to " + shared.dtype() + " " + shared.shape());
        }
        replace(shared);
    }

    /** Frees the memory for good. */
    void close() {
        free();
        closed = true;
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException("a parameter of shape " + shape + " is used after its module was closed");
        }
    }

    private void free() {
        // pending writes must end before the memory is reused
        arrive();
        if (value != null) {
            scope.free(value);
            value = null;
        }
    }

    private Tensor replace(Tensor fresh) {
        requireOpen();
        if (fresh == value) {
            return fresh;
        }
        free();
        value = scope.adopt(fresh);
        return fresh;
    }
}
