package org.mohawk4j.tensor;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

/**
 * Finds out what a body that is to be computed again reads besides its input. It records nothing: it is open while the
 * body runs for its result, and operations tell it their inputs as they tell any tape.
 */
final class BodyProbe extends Tape {
    private final Engine engine;
    private final Tape source;
    private final Map<Handle, Tensor> read = new LinkedHashMap<>();
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
                Tensor result = body.apply(source.detach(x));
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
        readsTracked |= source.isTracked(tensor);
    }

    @Override
    Tensor record(Tensor output, List<Edge> edges) {
        edges.forEach(edge -> note(edge.input()));
        return output;
    }

    @Override
    List<Tensor> record(List<Tensor> outputs, List<Tensor> inputs, JointGradient rule, List<Tensor> saved) {
        inputs.forEach(this::note);
        return outputs;
    }

    @Override
    Tensor recomputed(Tensor x, UnaryOperator<Tensor> body) {
        return engine.scoped(() -> body.apply(x));
    }

    /** No gradient will be asked for here, and so nothing need be kept for one. */
    @Override
    boolean isTracked(Tensor tensor) {
        note(tensor);
        return false;
    }

    @Override
    Tensor detach(Tensor tensor) {
        return source.detach(tensor);
    }
}
