package org.mohawk4j.data.stream;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import org.mohawk4j.data.source.DocumentSpan;

/**
 * Turns chunks into token ids on other threads, some of them ahead, and hands them out in the order of the chunks: how
 * many threads there are changes nothing but the time. What fails, fails in its turn.
 */
final class ParallelTokenizer implements AutoCloseable {
    private final SpanSequence chunks;
    private final ExecutorService workers;
    private final int ahead;
    private final Deque<Pending> pending = new ArrayDeque<>();
    private boolean broken;

    /** @param ahead how many chunks may be under way, from 1 */
    ParallelTokenizer(SpanSequence chunks, ExecutorService workers, int ahead) {
        this.chunks = chunks;
        this.workers = workers;
        this.ahead = ahead;
    }

    private record Pending(Optional<SpanSequence.Item> item, Future<int[]> ids) {}

    /** What came of an item. */
    static final class Tokens {
        private final SpanSequence.Item item;
        private final int[] ids;

        private Tokens(SpanSequence.Item item, int[] ids) {
            this.item = item;
            this.ids = ids;
        }

        SpanSequence.Item item() {
            return item;
        }

        /** Of the item's chunk; none at the end of a pass. */
        int[] ids() {
            return ids;
        }
    }

    /** The next chunk's, or the end of a pass. */
    Tokens next() throws InterruptedException {
        while (pending.size() < ahead && !broken) {
            pending.add(read());
        }
        Pending first = pending.element();
        int[] ids = idsOf(first);
        pending.remove();
        return new Tokens(first.item().orElseThrow(), ids);
    }

    private Pending read() {
        try {
            SpanSequence.Item item = chunks.next();
            return new Pending(
                    Optional.of(item),
                    item.chunk().map(this::submit).orElseGet(() -> CompletableFuture.completedFuture(new int[0])));
        } catch (RuntimeException e) {
            broken = true;
            return new Pending(Optional.empty(), CompletableFuture.failedFuture(e));
        }
    }

    private Future<int[]> submit(DocumentSpan chunk) {
        Callable<int[]> tokens = chunk::tokens;
        return workers.submit(tokens);
    }

    private static int[] idsOf(Pending pending) throws InterruptedException {
        try {
            return pending.ids().get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw new IllegalStateException("turning text into tokens failed", e.getCause());
        }
    }

    @Override
    public void close() {
        pending.forEach(each -> each.ids().cancel(true));
        chunks.close();
    }
}
