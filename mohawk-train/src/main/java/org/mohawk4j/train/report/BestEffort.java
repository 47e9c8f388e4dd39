package org.mohawk4j.train.report;

import java.util.Optional;
import java.util.concurrent.Callable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Optional work of a run, such as its report: a failure is logged in one line and does not end the run. */
public final class BestEffort {
    private static final Logger LOG = LoggerFactory.getLogger(BestEffort.class);

    private BestEffort() {}

    /**
     * Runs it.
     *
     * @param what for the log
     * @return empty if it failed
     */
    @SuppressWarnings("IllegalCatch") // a class that cannot draw, and memory that runs out, are failures like others
    public static <T> Optional<T> attempt(String what, Callable<T> work) {
        try {
            return Optional.of(work.call());
        } catch (Exception | LinkageError | OutOfMemoryError | StackOverflowError | AssertionError e) {
            LOG.warn("{}: skipped, since this failed: {}", what, e.toString());
            LOG.debug("{}", what, e);
            return Optional.empty();
        }
    }
}
