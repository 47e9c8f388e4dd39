package org.mohawk4j.train.distributed;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.backend.Communicator;
import org.mohawk4j.tensor.Engine;

/** One rank's access to the others, which all strategies of a run share. */
final class Ranks implements AutoCloseable {
    private final Engine engine;
    private final ProcessGroup group;
    private final Communicator communicator;
    private final Questions questions = new Questions();
    private final List<HiddenStatePipeline> pipelines = new ArrayList<>();
    private @Nullable KeepAlive waiting;
    private boolean hasStepped;

    Ranks(Engine engine, ProcessGroup group) {
        this.engine = engine;
        this.group = group;
        this.communicator = group.communicator(engine.backend());
    }

    Engine engine() {
        return engine;
    }

    ProcessGroup group() {
        return group;
    }

    Communicator communicator() {
        return communicator;
    }

    Questions questions() {
        return questions;
    }

    /** Throws what the group knows of a failure, rather than what comes of it here. */
    void together(Runnable operations) {
        try {
            operations.run();
        } catch (RuntimeException e) {
            group.progress();
            throw e;
        }
    }

    /** Each rank's number, the same list on all of them. */
    List<Double> numbers(double own) {
        byte[] bytes = ByteBuffer.allocate(Double.BYTES).putDouble(own).array();
        return group.exchange(bytes).stream()
                .map(given -> ByteBuffer.wrap(given).getDouble())
                .toList();
    }

    /** Closes a pipeline with this. */
    HiddenStatePipeline closed(HiddenStatePipeline pipeline) {
        pipelines.add(pipeline);
        return pipeline;
    }

    /** What comes next may take long without a step. Before the first of all steps the group expects that anyway. */
    void startWaiting() {
        if (waiting == null && hasStepped) {
            waiting = KeepAlive.bounded(group);
        }
    }

    /** From here on a rank counts as alive only if it takes steps. */
    void stopWaiting() {
        hasStepped = true;
        if (waiting != null) {
            waiting.close();
            waiting = null;
        }
    }

    @Override
    public void close() {
        stopWaiting();
        communicator.close();
        pipelines.forEach(HiddenStatePipeline::close);
    }
}
