package org.mohawk4j.generation;

import java.util.Arrays;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.backend.GraphCapture;
import org.mohawk4j.backend.MemoryOps;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.InferenceCache;
import org.mohawk4j.op.ArgMaxFunction;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.HostTensor;
import org.mohawk4j.tensor.types.HostTensors;

/**
 * Sequences [B] that are read token by token. Where the backend can record work and the model's state has a fixed place,
 * all that a token costs is recorded at the second token after the prompt and replayed from then on.
 *
 * <p>A continuation is read by {@link #read} alone or greedily alone. Greedily, the device is given the next token's work
 * before this one's id has reached the host: it knows the id.
 */
final class Continuation implements AutoCloseable {
    private final CausalLm model;
    private final Engine engine;
    private final int batch;
    private final InferenceCache state;
    private final Scope scope;
    private final Optional<GraphCapture> recorder;
    private @Nullable Step step;
    private boolean prepared;

    /** What a greedy text continues with, and the ids after that, which are on their way. */
    private int[] following = {};

    private @Nullable Supplier<HostTensor> ahead;

    /** What is recorded of one token: ids [B,1] to logits [B,V] and the likeliest ids, which take the ids' place. */
    private record Step(GraphCapture.Recording recording, Tensor ids, Tensor logits) {}

    Continuation(CausalLm model, int batch) {
        this.model = model;
        this.engine = model.engine();
        this.batch = batch;
        this.state = model.newState(batch);
        this.scope = engine.detachedScope();
        this.recorder = engine.backend().graphCapture().filter(r -> state.isFixed());
    }

    /** Reads ids [B,T] and gives the logits [B·V] after the last of them. */
    float[] read(int... ids) {
        Step recorded = recorded(ids);
        if (recorded == null) {
            try (Scope temporary = engine.scope()) {
                return next(temporary, ids).toFloats();
            }
        }
        set(recorded.ids, ids);
        recorded.recording.replay();
        return recorded.logits.toFloats();
    }

    /** As {@link #read}, and gives the likeliest next ids [B], which are the only ones that may be read after these. */
    int[] readGreedily(int... ids) {
        Supplier<HostTensor> current = ahead;
        if (current != null && !Arrays.equals(ids, following)) {
            throw new IllegalStateException("greedy decoding continues with the ids that it returned");
        }
        Step recorded = recorded(ids);
        if (recorded == null) {
            try (Scope temporary = engine.scope()) {
                return ids(ArgMaxFunction.apply(next(temporary, ids)).toHost());
            }
        }
        if (current == null) {
            set(recorded.ids, ids);
            current = replayGreedily(recorded);
        }
        ahead = replayGreedily(recorded);
        following = ids(current.get());
        return following.clone();
    }

    private static int[] ids(HostTensor places) {
        return Arrays.stream(HostTensors.toLongs(places))
                .mapToInt(Math::toIntExact)
                .toArray();
    }

    private Tensor next(Scope temporary, int... ids) {
        return model.next(temporary.adopt(engine.indices(ids, batch, ids.length / batch)), state);
    }

    /** What to replay for ids; null if they are not one each, or before everything has been done once. */
    private @Nullable Step recorded(int... ids) {
        if (recorder.isEmpty() || ids.length != batch) {
            return null;
        }
        if (!prepared) {
            prepared = true;
            return null;
        }
        if (step == null) {
            step = record(recorder.get(), scope.adopt(engine.indices(ids, batch, 1)));
        }
        return step;
    }

    private void set(Tensor target, int... ids) {
        try (Scope temporary = engine.scope()) {
            Tensor given = temporary.adopt(engine.indices(ids, batch, 1));
            memory().copyInto(target.array(), given.array());
        }
    }

    private Step record(GraphCapture with, Tensor ids) {
        // a sampled text has not asked for the likeliest ids yet, and a recording may do nothing for the first time
        try (Scope temporary = engine.scope()) {
            ArgMaxFunction.into(
                    ids, temporary.adopt(engine.zeros(batch, model.config().vocabulary())));
        }
        Tensor[] made = new Tensor[1];
        GraphCapture.Recording recording = with.record(() -> {
            made[0] = scope.adopt(engine.scoped(() -> model.next(ids, state)));
            ArgMaxFunction.into(ids, made[0]);
        });
        return new Step(recording, ids, made[0]);
    }

    private Supplier<HostTensor> replayGreedily(Step recorded) {
        recorded.recording.replay();
        return memory().downloadBehind(recorded.ids.array());
    }

    private MemoryOps memory() {
        return engine.backend().memory();
    }

    @Override
    public void close() {
        Supplier<HostTensor> unread = ahead;
        ahead = null;
        try {
            if (unread != null) {
                // gives the memory that it arrives in back
                Objects.requireNonNull(unread.get());
            }
        } finally {
            scope.close();
            state.close();
            if (step != null) {
                step.recording.close();
            }
        }
    }
}
