package org.mohawk4j.train.distributed;

import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.mohawk4j.InvalidInputException;

/**
 * Tells a group that this rank proceeds, for as long as it is open: around work that takes long without a step, such as
 * loading a teacher, compiling kernels or evaluating a student, during which a rank must not count as hanging.
 */
public final class KeepAlive implements AutoCloseable {
    private static final long INTERVAL_MILLIS = 500;

    private final CountDownLatch closed = new CountDownLatch(1);

    /** From now on; of a run without a group nobody waits for anything. */
    public static KeepAlive of(Optional<ProcessGroup> group) {
        return group.map(KeepAlive::new).orElseGet(KeepAlive::new);
    }

    private KeepAlive() {}

    /** From now on. */
    public KeepAlive(ProcessGroup group) {
        if (group.size() > 1) {
            Thread thread = new Thread(() -> run(group), "keep-alive");
            thread.setDaemon(true);
            thread.start();
        }
    }

    private void run(ProcessGroup group) {
        try {
            while (!closed.await(INTERVAL_MILLIS, TimeUnit.MILLISECONDS)) {
                group.progress();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RankFailedException | InvalidInputException e) {
            // the rank's own thread learns of it at its next exchange
            closed.countDown();
        }
    }

    @Override
    public void close() {
        closed.countDown();
    }
}
