package org.mohawk4j.train.distributed;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.mohawk4j.backend.Communicator;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.Shape;

/**
 * Passes the teacher's hidden states from each rank to the next, while ranks work on different micro-batches (pipeline
 * parallelism). Communicators have no point-to-point operation, so the states of a boundary are broadcast, and ranks that
 * do not need them ignore them. All ranks call the broadcasts in the same order, in which the pipeline fills: in its tick
 * k, rank r sends micro-batch k - r.
 */
final class HiddenStatePipeline implements AutoCloseable {
    private final Engine engine;
    private final Ranks ranks;
    private final Communicator communicator;
    private final int rank;
    private final int boundaries;
    private final int parts;
    private final Scope scope;

    /** By boundary: what this rank sends, what it receives, and one for all others. */
    private final List<Tensor> buffers = new ArrayList<>();

    private int part;
    private int tick;

    /** @param parts micro-batches of a step */
    HiddenStatePipeline(Ranks ranks, int parts) {
        this.ranks = ranks;
        this.engine = ranks.engine();
        this.communicator = ranks.communicator();
        this.rank = communicator.rank();
        this.boundaries = communicator.size() - 1;
        this.parts = parts;
        this.scope = engine.detachedScope();
    }

    /** Whether the states behind this rank's layers go to another. */
    boolean hasNext() {
        return rank < boundaries;
    }

    /**
     * The states that this rank's layers begin with, of the next micro-batch, [B,T,D].
     *
     * @param embedded computes them on the first rank
     */
    Tensor next(Shape shape, Supplier<Tensor> embedded) {
        ranks.together(() -> {
            allocate(shape);
            runUntil(part + rank - 1);
            communicator.await();
        });
        // a copy: the next micro-batch may arrive before this one is done with
        Tensor states = rank == 0 ? embedded.get() : buffers.get(rank - 1).affine(1, 0);
        if (!hasNext()) {
            endPart();
        }
        return states;
    }

    /** Passes the states behind this rank's layers on, of the micro-batch that {@link #next} gave. */
    void send(Tensor states) {
        engine.backend().memory().copyInto(buffers.get(rank).array(), states.array());
        ranks.together(() -> {
            runUntil(part + rank);
            endPart();
        });
    }

    private void endPart() {
        part++;
        if (part == parts) {
            runUntil(parts + boundaries - 2);
            part = 0;
            tick = 0;
        }
    }

    private void runUntil(int last) {
        for (; tick <= last; tick++) {
            for (int boundary = 0; boundary < boundaries; boundary++) {
                int sent = tick - boundary;
                if (sent >= 0 && sent < parts) {
                    communicator.broadcast(List.of(buffers.get(boundary).array()), boundary);
                }
            }
        }
    }

    private void allocate(Shape shape) {
        if (!buffers.isEmpty() && buffers.get(0).shape().equals(shape)) {
            return;
        }
        communicator.await();
        buffers.stream().distinct().forEach(scope::free);
        buffers.clear();
        List<Tensor> others = new ArrayList<>();
        for (int boundary = 0; boundary < boundaries; boundary++) {
            if (boundary == rank || boundary == rank - 1) {
                buffers.add(buffer(shape));
            } else {
                if (others.isEmpty()) {
                    others.add(buffer(shape));
                }
                buffers.add(others.get(0));
            }
        }
    }

    private Tensor buffer(Shape shape) {
        return scope.adopt(engine.zeros(shape.toArray()));
    }

    @Override
    public void close() {
        scope.close();
    }
}
