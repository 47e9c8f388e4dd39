package org.mohawk4j.data;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.mohawk4j.InvalidInputException;

/**
 * A stream of the windows of one text in memory, reshuffled every epoch, each window exactly once an
 * epoch. A batch at the border of two epochs takes windows from both.
 */
public final class InMemoryLoader implements DataLoader {
    private final TokenWindows windows;
    private final int batch;
    private final int[] order;
    private long seed;
    private long epoch;
    private int position;

    /** A stream from the start of its first epoch. */
    public InMemoryLoader(TokenWindows windows, int batch, long seed) {
        if (batch < 1) {
            throw new IllegalArgumentException("batch: expected at least 1, got " + batch);
        }
        this.windows = windows;
        this.batch = batch;
        this.order = new int[windows.count()];
        this.seed = seed;
        shuffle();
    }

    @Override
    public TokenBatch next() {
        int[] chosen = new int[batch];
        for (int b = 0; b < batch; b++) {
            if (position == order.length) {
                epoch++;
                position = 0;
                shuffle();
            }
            chosen[b] = order[position++];
        }
        return windows.select(chosen);
    }

    @Override
    public double epochs() {
        return epoch + (double) position / order.length;
    }

    @Override
    public ObjectNode state() {
        return JsonNodeFactory.instance
                .objectNode()
                .put("seed", seed)
                .put("windows", order.length)
                .put("context", windows.context())
                .put("epoch", epoch)
                .put("position", position);
    }

    @Override
    public void restore(ObjectNode state) {
        require(state, "windows", order.length, order.length);
        require(state, "context", windows.context(), windows.context());
        long savedSeed = require(state, "seed", Long.MIN_VALUE, Long.MAX_VALUE);
        long savedEpoch = require(state, "epoch", 0, Long.MAX_VALUE);
        int savedPosition = (int) require(state, "position", 0, order.length);
        seed = savedSeed;
        epoch = savedEpoch;
        position = savedPosition;
        shuffle();
    }

    private static long require(ObjectNode state, String key, long least, long most) {
        JsonNode value = state.path(key);
        if (!value.isIntegralNumber()
                || !value.canConvertToLong()
                || value.longValue() < least
                || value.longValue() > most) {
            throw new InvalidInputException("batch sampler: expected a state with " + key
                    + (least == most ? " " + least : " from " + least + " to " + most) + ", found "
                    + (value.isMissingNode() ? "none" : value));
        }
        return value.longValue();
    }

    /** Puts the windows in the order of the current epoch, whatever the order before. */
    private void shuffle() {
        Shuffle.order(order, seed, epoch);
    }
}
