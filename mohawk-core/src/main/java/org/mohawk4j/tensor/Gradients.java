package org.mohawk4j.tensor;

import java.util.Map;
import java.util.Optional;

/**
 * The gradients of one loss, by tensor. They belong to the scope that was innermost when they were computed. Two of them
 * may share memory, so none may be changed in place.
 */
public final class Gradients {
    private final Map<Handle, Tensor> byHandle;

    Gradients(Map<Handle, Tensor> byHandle) {
        this.byHandle = byHandle;
    }

    /** The gradient for a watched tensor; empty if the loss does not depend on it. */
    public Optional<Tensor> of(Tensor watched) {
        return Optional.ofNullable(byHandle.get(watched.handle()));
    }
}
