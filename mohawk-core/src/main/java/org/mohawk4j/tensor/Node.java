package org.mohawk4j.tensor;

import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** One recorded operation, or a watched tensor: gathers the gradients of its outputs until its own rule can run. */
final class Node {
    /** What runs when the gradients of all outputs are known. */
    @FunctionalInterface
    interface Backward {
        void run(@Nullable Tensor[] outputGradients);
    }

    /** One output of a node. */
    record Slot(Tape tape, Node node, int output) {
        void accumulate(Tensor gradient) {
            node.accumulate(output, gradient);
        }

        void accumulate(Edge edge, Tensor outputGradient) {
            node.accumulate(output, edge, outputGradient);
        }

        /** Gives what was gathered, if anything was, to its receiver, and the reference to it to a scope. */
        void handGradient(Scope scope, Consumer<Tensor> receiver) {
            Tensor gradient = node.giveGradient(output, scope);
            if (gradient != null) {
                receiver.accept(gradient);
            }
        }
    }

    private final @Nullable Tensor[] gradients;
    private final boolean[] exclusive;
    private final Backward backward;
    private List<Tensor> saved;

    Node(int outputs, List<Tensor> saved, Backward backward) {
        this.gradients = new Tensor[outputs];
        this.exclusive = new boolean[outputs];
        this.backward = backward;
        this.saved = saved;
        saved.forEach(tensor -> tensor.handle().retain());
    }

    /** Adds what an edge passes on to an output's gradient. */
    private void accumulate(int output, Edge edge, Tensor outputGradient) {
        Tensor sum = gradients[output];
        if (sum != null
                && exclusive[output]
                && sum.dtype() == outputGradient.dtype()
                && edge.adding().isPresent()) {
            edge.adding().get().addTo(sum, outputGradient);
            return;
        }
        accumulate(output, edge.gradient().apply(outputGradient));
        exclusive[output] |= sum == null && edge.own();
    }

    /** Adds to an output's gradient. The first one is kept as it is, since others may hold the same tensor. */
    void accumulate(int output, Tensor gradient) {
        Tensor sum = gradients[output];
        if (sum == null) {
            gradient.handle().retain();
            gradients[output] = gradient;
        } else if (exclusive[output] && sum.dtype() == gradient.dtype()) {
            sum.engine().backend().elementwise().accumulate(sum.array(), gradient.array(), 1);
        } else {
            Tensor total = sum.add(gradient);
            total.handle().retain();
            sum.engine().release(sum.handle());
            gradients[output] = total;
            exclusive[output] = true;
        }
    }

    boolean hasGradient() {
        for (Tensor gradient : gradients) {
            if (gradient != null) {
                return true;
            }
        }
        return false;
    }

    void backward() {
        backward.run(gradients);
    }

    private @Nullable Tensor giveGradient(int output, Scope scope) {
        Tensor gradient = gradients[output];
        if (gradient != null) {
            gradients[output] = null;
            scope.receive(gradient.handle());
        }
        return gradient;
    }

    /** Frees what was saved and gathered. */
    void discard() {
        saved.forEach(tensor -> tensor.engine().release(tensor.handle()));
        saved = List.of();
        for (int i = 0; i < gradients.length; i++) {
            Tensor gradient = gradients[i];
            if (gradient != null) {
                gradient.engine().release(gradient.handle());
                gradients[i] = null;
            }
        }
    }
}
