package org.mohawk4j.tensor;

import java.util.ArrayList;
import java.util.Arrays;
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
public sealed class Tape implements AutoCloseable permits BodyProbe, RecomputedTape {
    private final Engine engine;
    private final @Nullable Tape outer;
    private final Map<Handle, Slot> leaves = new LinkedHashMap<>();
    private final List<Node> nodes = new ArrayList<>();
    private final Slot detached = new Slot(this, new Node(1, List.of(), gradients -> {}), 0);
    private boolean consumed;

    Tape(Engine engine, @Nullable Tape outer, Collection<Tensor> watched) {
        this.engine = engine;
        this.outer = outer;
        for (Tensor tensor : watched) {
            leaves.put(tensor.handle(), leaf());
        }
    }

    /** A place where a gradient is gathered and goes no further. */
    final Slot leaf() {
        return new Slot(this, new Node(1, List.of(), gradients -> {}), 0);
    }

    /** Differentiates a loss of one element by every watched tensor. */
    public Gradients gradients(Tensor loss) {
        if (loss.shape().size() != 1) {
            throw new IllegalArgumentException("a loss has one element, this has shape " + loss.shape());
        }
        Tensor unit = loss.fullLike(1);
        return engine.startingAt(unit, () -> gradients(loss, unit));
    }

    /** Differentiates {@code sum(output * seed)} by every watched tensor. */
    public Gradients gradients(Tensor output, Tensor seed) {
        Map<Handle, Tensor> result = new HashMap<>();
        differentiate(
                output,
                seed,
                () -> leaves.forEach((handle, leaf) ->
                        leaf.handGradient(engine.currentScope(), gradient -> result.put(handle, gradient))));
        return new Gradients(result);
    }

    /** @param collect takes the gradients from the leaves, before what is left of them is freed */
    final void differentiate(Tensor output, Tensor seed, Runnable collect) {
        if (consumed) {
            throw new IllegalStateException("a tape differentiates once");
        }
        consumed = true;
        engine.replaceTape(this, outer);
        try {
            engine.withoutTape(() -> {
                backward(output, seed);
                collect.run();
            });
        } finally {
            close();
        }
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
        return append(saved, List.of(output), gradients -> {
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
        return append(saved, outputs, gradients -> {
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
                        List.of(output),
                        gradients -> new RecomputedTape(engine, this)
                                .backward(x, inputSlot, body, Objects.requireNonNull(gradients[0])))
                .get(0);
    }

    private List<Tensor> append(List<Tensor> saved, List<Tensor> outputs, Node.Backward backward) {
        Node node = new Node(outputs.size(), saved, backward);
        nodes.add(node);
        List<Tensor> recorded = new ArrayList<>();
        for (int i = 0; i < outputs.size(); i++) {
            recorded.add(outputs.get(i).at(new Slot(this, node, i)));
        }
        return recorded;
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
        return leaves.get(tensor.handle());
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
        leaves.values().forEach(leaf -> leaf.node().discard());
    }
}
