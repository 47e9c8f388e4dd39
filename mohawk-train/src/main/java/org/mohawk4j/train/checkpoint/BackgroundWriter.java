package org.mohawk4j.train.checkpoint;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/** Writes one checkpoint at a time while training goes on. */
public final class BackgroundWriter implements AutoCloseable {
    private final ExecutorService thread = Executors.newSingleThreadExecutor(work -> {
        Thread made = new Thread(work, "checkpoint");
        made.setDaemon(true);
        return made;
    });
    private @Nullable Future<@Nullable Void> writing;

    /** What writes. */
    @FunctionalInterface
    public interface Work {
        /** Throws if the disk refuses. */
        void run() throws IOException;
    }

    /** Whether something is being written. */
    public boolean isBusy() {
        return writing != null && !writing.isDone();
    }

    /**
     * Starts to write, after what was being written.
     *
     * @throws IOException if that failed
     */
    public void start(Work work) throws IOException {
        await();
        writing = thread.submit(() -> {
            work.run();
            return null;
        });
    }

    /**
     * Throws the failure of what was written last, if it has failed by now.
     *
     * @throws IOException as the work threw it
     */
    public void check() throws IOException {
        if (!isBusy()) {
            await();
        }
    }

    /**
     * Waits for what is being written.
     *
     * @throws IOException as the work threw it
     */
    public void await() throws IOException {
        Future<@Nullable Void> last = writing;
        writing = null;
        if (last == null) {
            return;
        }
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    last.get();
                    return;
                } catch (InterruptedException e) {
                    // a checkpoint is not left half-written; whoever interrupts learns of it afterwards
                    interrupted = true;
                }
            }
        } catch (ExecutionException e) {
            if (e.getCause() instanceof IOException failure) {
                throw failure;
            }
            throw new IllegalStateException("writing a checkpoint failed: " + e.getCause(), e.getCause());
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Waits for what is being written, whatever comes of it: {@link #await} before tells. */
    @Override
    public void close() {
        thread.shutdown();
        try {
            await();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
