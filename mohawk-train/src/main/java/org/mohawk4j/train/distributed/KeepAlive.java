package org.mohawk4j.train.distributed;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.train.loop.Parallelism;

/**
 * Tells a group that this rank proceeds, for as long as it is open: around work that takes long without a step, such as
 * loading a teacher, compiling kernels or evaluating a student, during which a rank must not count as hanging. Work in
 * which a device or a disk may never answer gets a limit.
 */
public final class KeepAlive implements Parallelism.Pause {
    private static final long INTERVAL_MILLIS = 500;

    /** No limit. */
    private static final long DAYS = 365;

    private final CountDownLatch closed = new CountDownLatch(1);

    /** From now on, without a limit; of a run without a group nobody waits for anything. */
    public static KeepAlive of(Optional<ProcessGroup> group) {
        return group.map(own -> new KeepAlive(own, Duration.ofDays(DAYS))).orElseGet(KeepAlive::new);
    }

    /** From now on, for at most {@link ProcessGroup#longestPause}. */
    static KeepAlive bounded(ProcessGroup group) {
        return new KeepAlive(group, group.longestPause());
    }

    private KeepAlive() {}

    private KeepAlive(ProcessGroup group, Duration limit) {
        if (group.size() > 1) {
            Thread thread = new Thread(() -> run(group, limit), "keep-alive");
            thread.setDaemon(true);
            thread.start();
        }
    }

    private void run(ProcessGroup group, Duration limit) {
        long begin = System.nanoTime();
        try {
            while (!closed.await(INTERVAL_MILLIS, TimeUnit.MILLISECONDS)
                    && System.nanoTime() - begin < limit.toNanos()) {
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
