package org.mohawk4j.data.stream;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.concurrent.ExecutorService;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.data.Shuffle;
import org.mohawk4j.data.source.Encoding;
import org.mohawk4j.data.source.ShardPosition;

/** The windows of one file set: block after block, in a random order within each. */
final class ShuffledWindows implements AutoCloseable {
    private final ShardSet set;
    private final Encoding encoding;
    private final int context;
    private final StreamOptions options;
    private final ExecutorService workers;
    private final long seed;

    private State state;
    private @Nullable PrefetchQueue queue;
    private @Nullable ShuffleBuffer block;
    private int[] order = new int[0];

    ShuffledWindows(
            ShardSet set, Encoding encoding, int context, StreamOptions options, ExecutorService workers, long seed) {
        this.set = set;
        this.encoding = encoding;
        this.context = context;
        this.options = options;
        this.workers = workers;
        this.seed = seed;
        this.state = new State(set.beginning(), 0, 0, 0);
    }

    /**
     * Where a part stands.
     *
     * @param start the first token of the block
     * @param block its number, from 0, of which its order depends
     * @param window how many of its windows have been handed out
     * @param served windows handed out of all blocks
     */
    record State(LoaderState start, long block, int window, long served) {
        ObjectNode toJson() {
            return JsonNodeFactory.instance
                    .objectNode()
                    .put("pass", start.pass())
                    .put("file", start.file())
                    .put("offset", start.chunk().offset())
                    .put("line", start.chunk().line())
                    .put("token", start.token())
                    .put("block", block)
                    .put("window", window)
                    .put("served", served);
        }
    }

    State state() {
        return state;
    }

    /** A state of this part that was written down. */
    State parse(LoaderStateReader json) {
        LoaderState start = new LoaderState(
                json.whole("pass", Long.MAX_VALUE),
                (int) json.whole("file", set.files().size() - 1L),
                new ShardPosition(json.whole("offset", Long.MAX_VALUE), json.whole("line", Long.MAX_VALUE)),
                (int) json.whole("token", Integer.MAX_VALUE));
        return new State(
                start,
                json.whole("block", Long.MAX_VALUE),
                (int) json.whole("window", options.shuffleWindows() - 1L),
                json.whole("served", Long.MAX_VALUE));
    }

    void restore(State saved) {
        close();
        state = saved;
    }

    /** Passes over the files, the parts of one counted. */
    double passes() {
        if (state.window() == 0) {
            return set.passesBefore(state.start());
        }
        ShuffleBuffer current = current();
        return current.passesAt((double) state.window() / order.length);
    }

    /**
     * Copies the next window's ids.
     *
     * @param at where they go in both arrays
     * @return where they come from
     */
    String next(int[] inputs, int[] targets, int at) {
        ShuffleBuffer current = current();
        int from = order[state.window()] * context;
        current.copy(from, inputs, at, context);
        current.copy(from + 1, targets, at, context);
        if (state.window() + 1 < order.length) {
            state = new State(state.start(), state.block(), state.window() + 1, state.served() + 1);
        } else {
            state = new State(current.end(), state.block() + 1, 0, state.served() + 1);
            block = null;
        }
        return current.origin(from);
    }

    private ShuffleBuffer current() {
        if (block != null) {
            return block;
        }
        if (queue == null) {
            SequencePacker reader = new SequencePacker(
                    set, encoding, state.start(), context, options.shuffleWindows(), workers, options.ahead());
            queue = new PrefetchQueue("mohawk-text", reader);
        }
        ShuffleBuffer next = queue.next();
        int windows = next.windows(context);
        if (state.window() >= windows) {
            throw new InvalidInputException("text " + set.files().get(0).path() + ": expected a block of more than "
                    + state.window() + " windows, found " + windows + "; has the text changed?");
        }
        order = new int[windows];
        Shuffle.order(order, seed, state.block());
        block = next;
        return next;
    }

    @Override
    public void close() {
        if (queue != null) {
            queue.close();
            queue = null;
        }
        block = null;
    }
}
