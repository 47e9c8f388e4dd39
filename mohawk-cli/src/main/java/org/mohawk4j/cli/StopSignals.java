package org.mohawk4j.cli;

import java.io.PrintWriter;
import java.time.Duration;
import org.mohawk4j.train.loop.StopSignal;

/**
 * Lets a run save before SIGTERM or SIGINT ends the process, with the exit code that belongs to the signal. Java runs
 * its shutdown hooks at the first signal and ignores those that follow.
 */
final class StopSignals implements AutoCloseable {
    /** What the run has to take part of a step and save; the sender of the signal often kills after half a minute. */
    private static final Duration PATIENCE = Duration.ofSeconds(27);

    private final StopSignal stop;
    private final Thread hook;

    private StopSignals(StopSignal stop, PrintWriter err) {
        this.stop = stop;
        this.hook = new Thread(() -> await(stop, err), "stop");
    }

    /** Listens until it is closed. */
    static StopSignals listen(StopSignal stop, PrintWriter err) {
        StopSignals signals = new StopSignals(stop, err);
        Runtime.getRuntime().addShutdownHook(signals.hook);
        return signals;
    }

    private static void await(StopSignal stop, PrintWriter err) {
        try {
            if (!stop.requestAndWait(PATIENCE)) {
                err.println("mohawk distill: the step did not end within " + PATIENCE.toSeconds()
                        + " seconds; the checkpoints before it stay");
                err.flush();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** The run is over: a signal from here on ends the process at once, and one that waits ends it now. */
    @Override
    public void close() {
        stop.trainingEnds();
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // the process is ending by a signal: the hook is what waited for this
            return;
        }
    }
}
