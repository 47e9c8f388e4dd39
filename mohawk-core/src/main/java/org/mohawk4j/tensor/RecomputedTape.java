package org.mohawk4j.tensor;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.tensor.Node.Slot;

/**
 * Differentiates part of another tape that was not stored, by running it again. Whatever of the other tape the part reads
 * is a leaf here, and its gradient is handed on.
 */
final class RecomputedTape extends Tape {
    private final Engine engine;
    private final Tape source;
    private final Map<Slot, Slot> leaves = new LinkedHashMap<>();

    RecomputedTape(Engine engine, Tape source) {
        super(engine, engine.openTape(), List.of());
        this.engine = engine;
        this.source = source;
    }

    /** @param inputSlot the input's place on the source, if it has one */
    void backward(Tensor x, @Nullable Slot inputSlot, UnaryOperator<Tensor> body, Tensor seed) {
        Tensor input = source.detach(x);
        if (inputSlot != null) {
            Slot leaf = leaf();
            leaves.put(inputSlot, leaf);
            input = x.at(leaf);
        }
        try (Tape open = engine.use(this)) {
            open.differentiate(
                    body.apply(input),
                    seed,
                    node -> {},
                    () -> leaves.forEach((there, leaf) -> leaf.handGradient(engine.currentScope(), there::accumulate)));
        } finally {
            // gradients that nobody was handed, after a failure
            leaves.values().forEach(leaf -> leaf.node().discard());
        }
    }

    @Override
    @Nullable Slot slotOfForeign(Tensor tensor) {
        Slot there = source.slotOf(tensor);
        return there == null ? null : leaves.computeIfAbsent(there, slot -> leaf());
    }
}
