package org.mohawk4j.tensor;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Owns tensors; closing it frees them. Memory is never left to the garbage collector. While a scope from
 * {@link Engine#scope()} is open it receives every tensor that is made; {@link #keep} moves a result out of it.
 */
public final class Scope implements AutoCloseable {
    private final Engine engine;
    private final boolean stacked;
    private final Set<Handle> handles = new LinkedHashSet<>();
    private final List<Handle> shared = new ArrayList<>();
    private boolean closed;

    Scope(Engine engine, boolean stacked) {
        this.engine = engine;
        this.stacked = stacked;
    }

    /**
     * Moves a tensor to the scope that encloses this one.
     *
     * @return the same tensor
     */
    public Tensor keep(Tensor tensor) {
        if (tensor.handle().owner() == this) {
            engine.enclosing(this).adopt(tensor);
        }
        return tensor;
    }

    /**
     * Moves a tensor here from whichever scope owns it.
     *
     * @return the same tensor
     */
    public Tensor adopt(Tensor tensor) {
        if (closed) {
            throw new IllegalStateException("the scope is closed");
        }
        Handle handle = tensor.handle();
        Scope owner = handle.owner();
        if (owner.closed) {
            throw new IllegalStateException(
                    "tensor " + tensor.dtype() + " " + tensor.shape() + " is used after its scope was closed");
        }
        tensor.array();
        owner.handles.remove(handle);
        own(handle);
        return tensor;
    }

    /**
     * Keeps a tensor alive that other scopes and tapes may keep as well, until this closes or frees it.
     *
     * @return the same tensor
     */
    public Tensor hold(Tensor tensor) {
        tensor.handle().retain();
        receive(tensor.handle());
        return tensor;
    }

    /** Frees one tensor of this scope now. */
    public void free(Tensor tensor) {
        engine.requireOwnThread();
        Handle handle = tensor.handle();
        if (!handles.remove(handle) && !shared.remove(handle)) {
            throw new IllegalArgumentException(
                    "tensor " + tensor.shape() + " belongs to another scope or is already freed");
        }
        engine.release(handle);
    }

    /** Takes over one reference to a handle that another scope may own as well. */
    void receive(Handle handle) {
        if (handle.owner().closed) {
            own(handle);
        } else {
            shared.add(handle);
        }
    }

    void own(Handle handle) {
        handle.moveTo(this);
        handles.add(handle);
    }

    /** Frees every tensor that still belongs here. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        if (stacked) {
            engine.requireInnermost(this);
        }
        engine.requireOwnThread();
        closed = true;
        handles.forEach(engine::release);
        shared.forEach(engine::release);
        handles.clear();
        shared.clear();
        if (stacked) {
            // last, since from then on another thread may come
            engine.pop(this);
        }
    }
}
