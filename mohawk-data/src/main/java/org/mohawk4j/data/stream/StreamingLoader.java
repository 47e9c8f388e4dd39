package org.mohawk4j.data.stream;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.mohawk4j.data.DataLoader;
import org.mohawk4j.data.Shuffle;
import org.mohawk4j.data.TokenBatch;

/**
 * Texts in files as batches of windows. The order is this, and depends on the texts, the seed, T and the shuffle window
 * alone:
 *
 * <ul>
 *   <li>Each part of a mixture is a stream of tokens of its own: all its files, in a random order that is another in
 *       each pass, the documents of a file in their order, each followed by the end-of-text token.
 *   <li>Windows are cut from that stream one after another; what is left at the end of a document, a file or a pass is
 *       the beginning of the next window. As many of them as the shuffle window says make a block, less at the end of a
 *       pass, and are handed out in a random order.
 *   <li>The next window is of the part that has least of its share so far.
 * </ul>
 */
final class StreamingLoader implements DataLoader {
    private final StreamingDataset corpus;
    private final int context;
    private final int batch;
    private final ExecutorService workers;
    private long seed;
    private List<ShuffledWindows> parts;

    StreamingLoader(StreamingDataset corpus, int context, int batch, long seed) {
        this.corpus = corpus;
        this.context = context;
        this.batch = batch;
        this.seed = seed;
        this.workers = workers(corpus.options().readers());
        this.parts = parts(seed);
    }

    /** Threads that end with the program. */
    static ExecutorService workers(int count) {
        return Executors.newFixedThreadPool(count, task -> {
            Thread thread = new Thread(task, "mohawk-reader");
            thread.setDaemon(true);
            return thread;
        });
    }

    private List<ShuffledWindows> parts(long ofSeed) {
        List<ShuffledWindows> streams = new ArrayList<>();
        for (int i = 0; i < corpus.parts().size(); i++) {
            long own = Shuffle.mix(ofSeed + i);
            streams.add(new ShuffledWindows(
                    new ShardSet(corpus.parts().get(i).files(), OptionalLong.of(own)),
                    corpus.encoding(),
                    context,
                    corpus.options(),
                    workers,
                    ~own));
        }
        return streams;
    }

    @Override
    public TokenBatch next() {
        int[] inputs = new int[Math.multiplyExact(batch, context)];
        int[] targets = new int[inputs.length];
        List<String> origins = new ArrayList<>();
        for (int b = 0; b < batch; b++) {
            origins.add(parts.get(nextPart()).next(inputs, targets, b * context));
        }
        return new TokenBatch(String.join("; ", origins), batch, context, inputs, targets);
    }

    /** The part that has least of its share, the first of several. */
    private int nextPart() {
        long served = 1;
        for (ShuffledWindows part : parts) {
            served += part.state().served();
        }
        int next = 0;
        double most = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < parts.size(); i++) {
            double missing = corpus.parts().get(i).share() * served
                    - parts.get(i).state().served();
            if (missing > most) {
                most = missing;
                next = i;
            }
        }
        return next;
    }

    /** Of a mixture: the mean over its parts by their shares. */
    @Override
    public double epochs() {
        double epochs = 0;
        for (int i = 0; i < parts.size(); i++) {
            epochs += corpus.parts().get(i).share() * parts.get(i).passes();
        }
        return epochs;
    }

    @Override
    public ObjectNode state() {
        ObjectNode state = settings().put("seed", seed);
        ArrayNode states = state.putArray("parts");
        parts.forEach(part -> states.add(part.state().toJson()));
        return state;
    }

    /** What a state must agree with. */
    private ObjectNode settings() {
        return JsonNodeFactory.instance
                .objectNode()
                .put("context", context)
                .put("shuffle", corpus.options().shuffleWindows())
                .put("texts", corpus.fingerprintOfFiles());
    }

    @Override
    public void restore(ObjectNode state) {
        LoaderStateReader json = new LoaderStateReader(state);
        settings().properties().forEach(setting -> json.same(setting.getKey(), setting.getValue()));
        long savedSeed = json.whole("seed", Long.MIN_VALUE, Long.MAX_VALUE);
        List<LoaderStateReader> saved = json.list("parts", parts.size());
        List<ShuffledWindows> streams = parts(savedSeed);
        for (int i = 0; i < streams.size(); i++) {
            streams.get(i).restore(streams.get(i).parse(saved.get(i)));
        }
        parts.forEach(ShuffledWindows::close);
        seed = savedSeed;
        parts = streams;
    }

    @Override
    public void close() {
        parts.forEach(ShuffledWindows::close);
        workers.shutdownNow();
    }
}
