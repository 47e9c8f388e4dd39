package org.mohawk4j.train.loop;

import java.time.Duration;

/**
 * A request to save and stop, from another thread such as a signal handler. The run stops at its next step, or within
 * one at its next micro-batch. Asking twice does no harm.
 */
public final class StopSignal {
    private boolean requested;
    private boolean training;

    /** Asks the run to stop. */
    public synchronized void request() {
        requested = true;
    }

    /** Whether the run is to stop. */
    public synchronized boolean isRequested() {
        return requested;
    }

    /**
     * Asks the run to stop, and waits until it has.
     *
     * @return whether the run has stopped or was not training
     */
    public synchronized boolean requestAndWait(Duration atMost) throws InterruptedException {
        requested = true;
        long end = System.nanoTime() + atMost.toNanos();
        while (training) {
            long left = (end - System.nanoTime()) / 1_000_000;
            if (left <= 0) {
                return false;
            }
            wait(left);
        }
        return true;
    }

    /** From here on there is something to wait for. */
    public synchronized void trainingStarts() {
        training = true;
    }

    /** There is nothing to wait for any more: training is over, or what there was to save and say is saved and said. */
    public synchronized void trainingEnds() {
        training = false;
        notifyAll();
    }
}
