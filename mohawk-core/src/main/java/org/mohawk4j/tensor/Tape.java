package org.mohawk4j.tensor;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.tensor.Node.Slot;

/**
 * Records operations on watched tensors as they run, and differentiates a loss through them, once. What an operation
 * saves for its gradient is freed as soon as that gradient has run, or when the tape is closed.
 */
public final class Tape implements AutoCloseable {
    private final Engine engine;
    private final @Nullable Tape outer;
    private final Map<Handle, Slot> leaves = new LinkedHashMap<>();
    private final List<Tensor> watched;
    private final List<Node> nodes = new ArrayList<>();
    private final boolean keeps;
    private final Slot detached = new Slot(this, new Node(1, List.of(), gradients -> {}), 0);
    private boolean consumed;

    /** @param keeps whether it records; otherwise it only knows what is tracked */
    Tape(Engine engine, @Nullable Tape outer, Collection<Tensor> watched, boolean keeps) {
        this.engine = engine;
        this.outer = outer;
        this.keeps = keeps;
        this.watched = List.copyOf(watched);
        for (Tensor tensor : watched) {
            leaves.put(tensor.handle(), new Slot(this, new Node(1, List.of(), gradients -> {}), 0));
        }
    }

    /** Differentiates a loss of one element by every watched tensor. */
    public Gradients gradients(Tensor loss) {
        if (loss.shape().size() != 1) {
            throw new IllegalArgumentException("a loss has one element, this has shape " + loss.shape());
        }
        Tensor unit = loss.filledLike(1);
        return engine.startingAt(unit, () -> gradients(loss, unit));
    }

    /** Differentiates {@code sum(output * seed)} by every watched tensor. */
    public Gradients gradients(Tensor output, Tensor seed) {
        if (consumed) {
            throw new IllegalStateException("a tape differentiates once");
        }
        consumed = true;
        engine.replaceTape(this, outer);
        try {
            return engine.withTape(null, () -> {
                backward(output, seed);
                return ofLeaves();
            });
        } finally {
            close();
        }
    }

    private Gradients ofLeaves() {
        Map<Handle, Tensor> result = new HashMap<>();
        leaves.forEach((handle, leaf) -> {
            Tensor gradient = leaf.node().giveGradient(0, engine.currentScope());
            if (gradient != null) {
                result.put(handle, gradient);
            }
        });
        return new Gradients(result);
    }

    private void backward(Tensor output, Tensor seed) {
        Slot start = slotOf(output);
        if (start == null) {
            return;
        }
        start.accumulate(seed);
        for (int i = nodes.size() - 1; i >= 0; i--) {
            Node node = nodes.get(i);
            if (node.hasGradient()) {
                try (Scope scope = engine.scope()) {
                    node.backward();
                }
            }
            node.discard();
        }
    }

    Tensor record(Tensor output, List<Edge> edges) {
        List<Slot> slots = new ArrayList<>();
        List<UnaryOperator<Tensor>> rules = new ArrayList<>();
        List<Tensor> saved = new ArrayList<>();
        for (Edge edge : edges) {
            Slot slot = slotOf(edge.input());
            if (slot != null) {
                slots.add(slot);
                rules.add(edge.gradient());
                saved.addAll(edge.saved());
            }
        }
        if (slots.isEmpty()) {
            return output;
        }
        return append(saved, List.of(output), gradients -> {
                    Tensor gradient = Objects.requireNonNull(gradients[0]);
                    for (int i = 0; i < slots.size(); i++) {
                        slots.get(i).accumulate(rules.get(i).apply(gradient));
                    }
                })
                .get(0);
    }

    List<Tensor> record(List<Tensor> outputs, List<Tensor> inputs, JointGradient rule, List<Tensor> saved) {
        @Nullable Slot[] slots = inputs.stream().map(this::slotOf).toArray(Slot[]::new);
        boolean tracked = false;
        for (Slot slot : slots) {
            tracked |= slot != null;
        }
        if (!tracked) {
            return outputs;
        }
        List<Tensor> plain = outputs.stream().map(Tensor::detach).toList();
        return append(saved, outputs, gradients -> {
            List<Tensor> given = new ArrayList<>();
            for (int i = 0; i < gradients.length; i++) {
                Tensor gradient = gradients[i];
                given.add(gradient != null ? gradient : plain.get(i).filledLike(0));
            }
            List<Tensor> results = rule.gradients(given);
            for (int i = 0; i < slots.length; i++) {
                Slot slot = slots[i];
                if (slot != null) {
                    slot.accumulate(results.get(i));
                }
            }
        });
    }

    /** As {@link Engine#recomputed}, on this tape. */
    Tensor recomputed(Tensor x, UnaryOperator<Tensor> body) {
        Slot inputSlot = slotOf(x);
        Tensor input = x.detach();
        List<Tensor> watchedAgain = new ArrayList<>(watched);
        watchedAgain.add(input);
        Tape rehearsal = new Tape(engine, this, watchedAgain, false);
        Tensor output = engine.withTape(rehearsal, () -> engine.scoped(() -> body.apply(input)));
        return append(List.of(input), List.of(output), gradients -> {
                    Gradients inner;
                    try (Tape again = engine.tape(watchedAgain)) {
                        inner = again.gradients(body.apply(input), Objects.requireNonNull(gradients[0]));
                    }
                    if (inputSlot != null) {
                        inner.of(input).ifPresent(inputSlot::accumulate);
                    }
                    for (Tensor leaf : watched) {
                        if (leaf.handle() != input.handle()) {
                            inner.of(leaf).ifPresent(Objects.requireNonNull(leaves.get(leaf.handle()))::accumulate);
                        }
                    }
                })
                .get(0);
    }

    private List<Tensor> append(List<Tensor> saved, List<Tensor> outputs, Node.Backward backward) {
        Node node = new Node(outputs.size(), keeps ? saved : List.of(), backward);
        if (keeps) {
            nodes.add(node);
        }
        List<Tensor> recorded = new ArrayList<>();
        for (int i = 0; i < outputs.size(); i++) {
            recorded.add(outputs.get(i).at(new Slot(this, node, i)));
        }
        return recorded;
    }

    @Nullable Slot slotOf(Tensor tensor) {
        Slot slot = tensor.slot();
        if (slot == null || slot.tape() != this) {
            return leaves.get(tensor.handle());
        }
        return slot.equals(detached) ? null : slot;
    }

    /** The same numbers, of which this tape knows nothing. */
    Tensor detach(Tensor tensor) {
        return slotOf(tensor) == null ? tensor : tensor.at(detached);
    }

    /** Stops recording and frees what is still saved. */
    @Override
    public void close() {
        engine.replaceTape(this, outer);
        nodes.forEach(Node::discard);
        nodes.clear();
        leaves.values().forEach(leaf -> leaf.node().discard());
    }
}
