package org.mohawk4j.tensor;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.tensor.Node.Slot;

/**
 * Finds out what a body that is to be computed again reads besides its input. It is open while the body runs for its
 * result, and operations tell it their inputs as they tell any tape. It keeps nothing for gradients, but answers what is
 * tracked as the tape of the second run will, so that both runs take the same kernels and see the same bits.
 */
final class BodyProbe extends Tape {
    private final Engine engine;
    private final Tape source;
    private final Map<Handle, Tensor> read = new LinkedHashMap<>();
    private final Slot tracked = leaf();
    private boolean readsTracked;

    /** @param source the tape that the body belongs to */
    BodyProbe(Engine engine, Tape source) {
        super(engine, source, List.of());
        this.engine = engine;
        this.source = source;
    }

    /** The result, which no tape knows; nothing else that the body makes is left. */
    Tensor run(Tensor x, UnaryOperator<Tensor> body) {
        try (Tape open = engine.use(this)) {
            return engine.scoped(() -> {
                Tensor result = body.apply(source.slotOf(x) == null ? x : x.at(tracked));
                note(result);
                Scope own = engine.currentScope();
                read.keySet().removeIf(handle -> !handle.isLive() || handle.owner() == own);
                return open.detach(result);
            });
        }
    }

    /** Whatever the body has read that it did not make. */
    List<Tensor> read() {
        return List.copyOf(read.values());
    }

    /** Whether the source has a gradient for any of it. */
    boolean readsTracked() {
        return readsTracked;
    }

    private void note(Tensor tensor) {
        read.putIfAbsent(tensor.handle(), tensor);
        readsTracked |= slotOf(tensor) != null && source.isTracked(tensor);
    }

    /** What only gradients read, such as indices, the second run reads as well. */
    private void keep(List<Tensor> saved) {
        saved.forEach(tensor -> read.putIfAbsent(tensor.handle(), tensor));
    }

    @Override
    Tensor record(Tensor output, List<Edge> edges) {
        edges.forEach(edge -> keep(edge.saved()));
        return anyTracked(edges.stream().map(Edge::input)) ? output.at(tracked) : output;
    }

    @Override
    List<Tensor> record(List<Tensor> outputs, List<Tensor> inputs, JointGradient rule, List<Tensor> saved) {
        keep(saved);
        return anyTracked(inputs.stream())
                ? outputs.stream().map(output -> output.at(tracked)).toList()
                : outputs;
    }

    /** Notes all of them. */
    private boolean anyTracked(Stream<Tensor> inputs) {
        return !inputs.filter(this::isTracked).toList().isEmpty();
    }

    @Override
    Tensor recompute(Tensor x, UnaryOperator<Tensor> body) {
        return engine.scoped(() -> body.apply(x));
    }

    @Override
    boolean isTracked(Tensor tensor) {
        note(tensor);
        return super.isTracked(tensor);
    }

    @Override
    @Nullable Slot slotOfForeign(Tensor tensor) {
        return source.slotOf(tensor) == null ? null : tracked;
    }
}
