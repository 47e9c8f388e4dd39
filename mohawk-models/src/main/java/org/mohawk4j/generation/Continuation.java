package org.mohawk4j.generation;

import java.util.Arrays;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.backend.Recorder;
import org.mohawk4j.functional.ArgMaxFunction;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.LmState;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;

/**
 * Sequences [B] that are read token by token. Where the backend can record work and the model's state has a fixed place,
 * all that a token costs is recorded at the second token after the prompt and replayed from then on.
 */
final class Continuation implements AutoCloseable {
    private final CausalLm model;
    private final Engine engine;
    private final int batch;
    private final LmState state;
    private final Scope scope;
    private final Optional<Recorder> recorder;
    private @Nullable Step step;
    private boolean prepared;
    private int[] following = {};

    /** What is recorded of one token: ids [B,1] to logits [B,V] and the likeliest ids [B]. */
    private record Step(Recorder.Recording recording, Tensor ids, Tensor logits, Tensor likeliest) {}

    Continuation(CausalLm model, int batch) {
        this.model = model;
        this.engine = model.engine();
        this.batch = batch;
        this.state = model.newState(batch);
        this.scope = engine.detachedScope();
        this.recorder = engine.backend().kernel(Recorder.class).filter(r -> state.isFixed());
    }

    /** Reads ids [B,T] and gives the logits [B·V] after the last of them. */
    float[] read(int... ids) {
        Step replayed = step(ids);
        if (replayed != null) {
            return replayed.logits.toFloats();
        }
        try (Scope temporary = engine.scope()) {
            return logits(temporary.adopt(engine.indices(ids, batch, ids.length / batch)))
                    .toFloats();
        }
    }

    /** As {@link #read}, and gives the likeliest next ids [B]. */
    int[] readGreedily(int... ids) {
        Step replayed = step(ids);
        if (replayed != null) {
            following = replayed.likeliest.toInts();
            return following.clone();
        }
        try (Scope temporary = engine.scope()) {
            Tensor logits = logits(temporary.adopt(engine.indices(ids, batch, ids.length / batch)));
            return ArgMaxFunction.apply(logits).toInts();
        }
    }

    private Tensor logits(Tensor ids) {
        Tensor last = model.hidden(ids, state).narrow(1, ids.dim(1) - 1, 1);
        return model.head(last).logits();
    }

    /** Replays one token; null if these ids are not one each, or before everything has been done once. */
    private @Nullable Step step(int... ids) {
        if (recorder.isEmpty() || ids.length != batch) {
            return null;
        }
        if (!prepared) {
            prepared = true;
            return null;
        }
        Step current = step;
        if (current == null) {
            current = record(recorder.get(), scope.adopt(engine.indices(ids, batch, 1)));
            step = current;
        } else {
            if (!Arrays.equals(ids, following)) {
                set(current.ids, ids);
            }
            state.advance(1);
        }
        current.recording.replay();
        following = new int[0];
        return current;
    }

    private void set(Tensor target, int... ids) {
        try (Scope temporary = engine.scope()) {
            Tensor given = temporary.adopt(engine.indices(ids, batch, 1));
            engine.backend().memory().copyInto(target.array(), given.array());
        }
    }

    private Step record(Recorder with, Tensor ids) {
        Tensor[] made = new Tensor[2];
        Recorder.Recording recording = with.record(() -> {
            made[0] = scope.adopt(engine.scoped(() -> logits(ids)));
            made[1] = scope.adopt(ArgMaxFunction.apply(made[0]));
            // so that a greedy text goes on without its ids leaving the device
            engine.backend()
                    .memory()
                    .copyInto(ids.array(), made[1].reshape(batch, 1).array());
        });
        return new Step(recording, ids, made[0], made[1]);
    }

    @Override
    public void close() {
        scope.close();
        state.close();
        if (step != null) {
            step.recording.close();
        }
    }
}
