package org.mohawk4j.eval.serve;

import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;

/** Work for the one thread that a model may be used on, in the order of arrival, so much and no more. */
final class ModelQueue {
    private static final long LOOKED_AFTER_MILLIS = 50;

    private final BlockingQueue<Runnable> jobs;
    private volatile boolean closed;

    ModelQueue(int capacity) {
        this.jobs = new ArrayBlockingQueue<>(capacity);
    }

    /** Adds work, unless too much waits already. */
    boolean offer(Runnable job) {
        return !closed && jobs.offer(job);
    }

    /** Gives the place of work up that has not begun. */
    void remove(Runnable job) {
        jobs.remove(job);
    }

    /** Does what comes, on this thread, until the queue is closed and empty. */
    void run() throws InterruptedException {
        while (!closed || !jobs.isEmpty()) {
            Runnable job = jobs.poll(LOOKED_AFTER_MILLIS, TimeUnit.MILLISECONDS);
            if (job != null) {
                job.run();
            }
        }
    }

    /** Takes no more work. */
    void close() {
        closed = true;
    }
}
