package org.mohawk4j.tensor;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.tensor.Node.Slot;

/**
 * Records operations on watched tensors as they run, and differentiates a loss through them, once. What an operation
 * saves for its gradient is freed as soon as that gradient has run, or when the tape is closed.
 */
public sealed class Tape implements AutoCloseable permits BodyProbe, RecomputedTape {
    private final Engine engine;
    private final @Nullable Tape outer;
    private final Map<Handle, Leaf> leaves = new LinkedHashMap<>();
    private final Map<Slot, Leaf> leavesBySlot = new HashMap<>();
    private final List<Node> nodes = new ArrayList<>();

    /** Leaves by the first node that adds to their gradient, which is the last one in the backward pass. */
    private final Map<Node, List<Leaf>> firstUses = new HashMap<>();

    private final Slot detached = new Slot(this, new Node(1, List.of(), gradients -> {}), 0);
    private boolean consumed;

    /** A watched tensor, and whether an operation has used it. */
    private static final class Leaf {
        private final Tensor watched;
        private final Slot slot;
        private boolean used;

        Leaf(Tensor watched, Slot slot) {
            this.watched = watched;
            this.slot = slot;
        }
    }

    Tape(Engine engine, @Nullable Tape outer, Collection<Tensor> watched) {
        this.engine = engine;
        this.outer = outer;
        for (Tensor tensor : watched) {
            Leaf leaf = new Leaf(tensor, leaf());
            leaves.put(tensor.handle(), leaf);
            leavesBySlot.put(leaf.slot, leaf);
        }
    }

    /** A place where a gradient is gathered and goes no further. */
    final Slot leaf() {
        return new Slot(this, new Node(1, List.of(), gradients -> {}), 0);
    }

    /** Differentiates a loss of one element by every watched tensor. */
    public Gradients gradients(Tensor loss) {
        return gradients(loss, (watched, gradient) -> {});
    }

    /**
     * As {@link #gradients(Tensor)}.
     *
     * @param listener told of each gradient as soon as it is final
     */
    public Gradients gradients(Tensor loss, GradientListener listener) {
        if (loss.shape().size() != 1) {
            throw new IllegalArgumentException("a loss has one element, this has shape " + loss.shape());
        }
        Tensor unit = loss.fullLike(1);
        return engine.startingAt(unit, () -> gradients(loss, unit, listener));
    }

    /** Differentiates {@code sum(output * seed)} by every watched tensor. */
    public Gradients gradients(Tensor output, Tensor seed) {
        return gradients(output, seed, (watched, gradient) -> {});
    }

    private Gradients gradients(Tensor output, Tensor seed, GradientListener listener) {
        Map<Handle, Tensor> result = new HashMap<>();
        Consumer<Leaf> give = leaf -> leaf.slot.handGradient(engine.currentScope(), gradient -> {
            result.put(leaf.watched.handle(), gradient);
            listener.onFinal(leaf.watched, gradient);
        });
        differentiate(
                output,
                seed,
                node -> firstUses.getOrDefault(node, List.of()).forEach(give),
                // no node uses a leaf that is the output itself
                () -> leaves.values().forEach(give));
        return new Gradients(result);
    }

    /**
     * Runs the backward pass, once.
     *
     * @param behind called with each node when its rule has run
     * @param collect takes the gradients from the leaves, before the remaining ones are freed
     */
    final void differentiate(Tensor output, Tensor seed, Consumer<Node> behind, Runnable collect) {
        if (consumed) {
            throw new IllegalStateException("a tape differentiates once");
        }
        consumed = true;
        engine.replaceTape(this, outer);
        try {
            engine.withoutTape(() -> {
                backward(output, seed, behind);
                collect.run();
            });
        } finally {
            close();
        }
    }

    private void backward(Tensor output, Tensor seed, Consumer<Node> behind) {
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
            behind.accept(node);
        }
    }

    Tensor record(Tensor output, List<Edge> edges) {
        List<Slot> slots = new ArrayList<>();
        List<Edge> tracked = new ArrayList<>();
        List<Tensor> saved = new ArrayList<>();
        for (Edge edge : edges) {
            Slot slot = slotOf(edge.input());
            if (slot != null) {
                slots.add(slot);
                tracked.add(edge);
                saved.addAll(edge.saved());
            }
        }
        if (slots.isEmpty()) {
            return output;
        }
        return append(saved, slots, List.of(output), gradients -> {
                    Tensor gradient = Objects.requireNonNull(gradients[0]);
                    for (int i = 0; i < slots.size(); i++) {
                        slots.get(i).accumulate(tracked.get(i), gradient);
                    }
                })
                .get(0);
    }

    List<Tensor> record(List<Tensor> outputs, List<Tensor> inputs, JointGradient rule, List<Tensor> saved) {
        @Nullable Slot[] slots = inputs.stream().map(this::slotOf).toArray(Slot[]::new);
        if (Arrays.stream(slots).allMatch(Objects::isNull)) {
            return outputs;
        }
        List<Tensor> plain = outputs.stream().map(Tensor::detach).toList();
        return append(saved, Arrays.asList(slots), outputs, gradients -> {
            List<Tensor> given = new ArrayList<>();
            for (int i = 0; i < gradients.length; i++) {
                Tensor gradient = gradients[i];
                given.add(gradient != null ? gradient : plain.get(i).fullLike(0));
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

    /** See {@link Engine#recompute}. */
    Tensor recompute(Tensor x, UnaryOperator<Tensor> body) {
        BodyProbe probe = new BodyProbe(engine, this);
        Tensor output = probe.run(x, body);
        Slot inputSlot = slotOf(x);
        if (inputSlot == null && !probe.readsTracked()) {
            return output;
        }
        List<Tensor> saved = new ArrayList<>(probe.read());
        saved.add(x);
        return append(
                        saved,
                        saved.stream().map(this::slotOf).toList(),
                        List.of(output),
                        gradients -> new RecomputedTape(engine, this)
                                .backward(x, inputSlot, body, Objects.requireNonNull(gradients[0])))
                .get(0);
    }

    /** @param inputs the places that the node's rule may add to */
    private List<Tensor> append(
            List<Tensor> saved, List<? extends @Nullable Slot> inputs, List<Tensor> outputs, Node.Backward backward) {
        Node node = new Node(outputs.size(), saved, backward);
        nodes.add(node);
        noteFirstUses(node, inputs);
        List<Tensor> recorded = new ArrayList<>();
        for (int i = 0; i < outputs.size(); i++) {
            recorded.add(outputs.get(i).at(new Slot(this, node, i)));
        }
        return recorded;
    }

    private void noteFirstUses(Node node, List<? extends @Nullable Slot> inputs) {
        for (Slot input : inputs) {
            Leaf leaf = input == null ? null : leavesBySlot.get(input);
            if (leaf != null && !leaf.used) {
                leaf.used = true;
                firstUses.computeIfAbsent(node, n -> new ArrayList<>()).add(leaf);
            }
        }
    }

    final @Nullable Slot slotOf(Tensor tensor) {
        Slot slot = tensor.slot();
        if (slot == null || slot.tape() != this) {
            return slotOfForeign(tensor);
        }
        return slot.equals(detached) ? null : slot;
    }

    /** The place of a tensor that was not made on this tape. */
    @Nullable Slot slotOfForeign(Tensor tensor) {
        Leaf leaf = leaves.get(tensor.handle());
        return leaf == null ? null : leaf.slot;
    }

    /** Whether a change of this tensor would be felt. */
    boolean isTracked(Tensor tensor) {
        return slotOf(tensor) != null;
    }

    /** The same numbers, of which this tape knows nothing. */
    Tensor detach(Tensor tensor) {
        return slotOf(tensor) == null ? tensor : tensor.at(detached);
    }

    /** Stops recording and frees what is still saved. */
    @Override
    public final void close() {
        engine.replaceTape(this, outer);
        nodes.forEach(Node::discard);
        nodes.clear();
        firstUses.clear();
        leaves.values().forEach(leaf -> leaf.slot.node().discard());
    }
}
