package org.mohawk4j.backend.nd4j;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.nd4j.array.Nd4jArray;
import org.mohawk4j.backend.nd4j.array.Nd4jMasks;
import org.mohawk4j.backend.nd4j.array.Nd4jPool;
import org.mohawk4j.backend.nd4j.array.Nd4jScratch;
import org.mohawk4j.op.SemiseparableFunction.FusedSemiseparable;

/**
 * The semiseparable product of long sequences segment by segment, each continued from the state after the one before:
 * what a segment works on then stays in the processor's cache, and time is linear in T beyond it too.
 */
final class Nd4jSemiseparable implements FusedSemiseparable {
    /** Blocks on the diagonal, of all lanes: 2 MB in each array of them at Q 64 and float32. */
    private static final long BLOCKS_AT_ONCE = 128;

    /** Blocks end here at the latest: the running sums in a block, whose differences count, lose digits with its length. */
    private static final int LONGEST_CHUNK = 256;

    private final Nd4jPool pool;
    private final Nd4jLayout layout;
    private final Nd4jSemiseparableForward segment;

    Nd4jSemiseparable(Nd4jPool pool, Nd4jMasks masks) {
        this.pool = pool;
        this.layout = new Nd4jLayout(pool, Optional.empty());
        this.segment = new Nd4jSemiseparableForward(pool, masks);
    }

    /** Where each segment begins, and last where all end. */
    private static List<Long> borders(Array x, int chunk) {
        long time = x.shape().dim(1);
        long lanes = x.shape().dim(0) * x.shape().dim(2);
        long length = Math.max(1, BLOCKS_AT_ONCE / lanes) * chunk;
        List<Long> borders = new ArrayList<>();
        for (long from = 0; from < time; from += length) {
            borders.add(from);
        }
        borders.add(time);
        return borders;
    }

    @Override
    public boolean supports(long headDim, long stateSize) {
        return true;
    }

    @Override
    public Forward forward(Array x, Array b, Array c, Array logDecay, Optional<Array> state, int chunk, boolean kept) {
        int q = Math.min(chunk, LONGEST_CHUNK);
        List<Long> borders = borders(x, q);
        if (borders.size() == 2) {
            Forward made = segment.run(x, b, c, logDecay, state, q);
            return new Forward(made.y(), made.state(), keptOrReleased(made, kept));
        }
        List<Array> outputs = new ArrayList<>();
        List<Array> saved = new ArrayList<>();
        Optional<Array> before = state;
        for (int i = 0; i + 1 < borders.size(); i++) {
            List<Array> inputs = parts(borders, i, x, b, c, logDecay);
            Forward made = segment.run(inputs.get(0), inputs.get(1), inputs.get(2), inputs.get(3), before, q);
            inputs.forEach(this::release);
            if (i > 0) {
                before.ifPresent(this::release);
            }
            before = Optional.of(made.state());
            outputs.add(made.y());
            saved.addAll(keptOrReleased(made, kept));
        }
        return new Forward(joined(outputs), before.orElseThrow(), saved);
    }

    private List<Array> keptOrReleased(Forward made, boolean kept) {
        if (kept) {
            return made.saved();
        }
        made.saved().forEach(this::release);
        return List.of();
    }

    @Override
    public Gradients backward(
            Array yGradient,
            Array stateGradient,
            Array x,
            Array b,
            Array c,
            Array logDecay,
            Optional<Array> state,
            List<Array> saved,
            int chunk) {
        int q = Math.min(chunk, LONGEST_CHUNK);
        List<Long> borders = borders(x, q);
        int segments = borders.size() - 1;
        int each = saved.size() / segments;
        if (segments == 1) {
            return gradients(yGradient, stateGradient, x, b, saved, q, state.isPresent());
        }
        Deque<Gradients> pieces = new ArrayDeque<>();
        Array ofState = stateGradient;
        for (int i = segments - 1; i >= 0; i--) {
            List<Array> inputs = parts(borders, i, yGradient, x, b);
            boolean continued = i > 0 || state.isPresent();
            Gradients made = gradients(
                    inputs.get(0),
                    ofState,
                    inputs.get(1),
                    inputs.get(2),
                    saved.subList(i * each, (i + 1) * each),
                    q,
                    continued);
            inputs.forEach(this::release);
            if (i < segments - 1) {
                release(ofState);
            }
            ofState = made.state().orElse(stateGradient);
            pieces.addFirst(made);
        }
        return new Gradients(
                joined(pieces.stream().map(Gradients::x).toList()),
                joined(pieces.stream().map(Gradients::b).toList()),
                joined(pieces.stream().map(Gradients::c).toList()),
                joined(pieces.stream().map(Gradients::logDecay).toList()),
                state.isPresent() ? Optional.of(ofState) : Optional.empty());
    }

    private Gradients gradients(
            Array yGradient, Array stateGradient, Array x, Array b, List<Array> saved, int chunk, boolean continued) {
        try (Nd4jScratch work = new Nd4jScratch(pool, x.dtype())) {
            List<Nd4jArray> own = saved.stream().map(Nd4jArray::cast).toList();
            return new Nd4jSemiseparableGradient(work, Nd4jChunks.of(x, b, chunk), own)
                    .run(yGradient, stateGradient, continued);
        }
    }

    /** One segment of each array. */
    private List<Array> parts(List<Long> borders, int i, Array... whole) {
        List<Array> parts = new ArrayList<>();
        for (Array array : whole) {
            parts.add(layout.narrow(array, 1, borders.get(i), borders.get(i + 1) - borders.get(i)));
        }
        return parts;
    }

    private Array joined(List<Array> segments) {
        Array whole = layout.concat(segments, 1);
        segments.forEach(this::release);
        return whole;
    }

    private void release(Array array) {
        pool.release(Nd4jArray.cast(array));
    }
}
