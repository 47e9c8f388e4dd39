package org.mohawk4j.data.stream;

import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.InvalidInputException;

/** Reads blocks on a thread of its own: while one is handed out, the next is ready and one more is read. */
final class PrefetchQueue implements AutoCloseable {
    private static final long PATIENCE_MILLIS = 10_000;

    private final BlockingQueue<Future<ShuffleBuffer>> ready = new ArrayBlockingQueue<>(1);
    private final Thread thread;
    private @Nullable Throwable failed;

    PrefetchQueue(String name, SequencePacker reader) {
        thread = new Thread(() -> read(reader), name);
        thread.setDaemon(true);
        thread.start();
    }

    private void read(SequencePacker reader) {
        try (reader) {
            while (true) {
                ready.put(CompletableFuture.completedFuture(reader.next()));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException | Error e) {
            fail(e);
        }
    }

    private void fail(Throwable failure) {
        try {
            ready.put(CompletableFuture.failedFuture(failure));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /**
     * The next block, when it is ready.
     *
     * @throws InvalidInputException if a file is not what it should be
     */
    ShuffleBuffer next() {
        try {
            if (failed == null) {
                Future<ShuffleBuffer> next = ready.take();
                try {
                    return next.get();
                } catch (ExecutionException e) {
                    failed = e.getCause();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while waiting for text", e);
        }
        if (failed instanceof InvalidInputException refusal) {
            throw refusal;
        }
        throw new IllegalStateException("reading text failed", failed);
    }

    /** Ends reading. */
    @Override
    public void close() {
        thread.interrupt();
        try {
            thread.join(PATIENCE_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
