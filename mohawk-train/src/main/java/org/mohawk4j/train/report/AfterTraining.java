package org.mohawk4j.train.report;

import java.util.Optional;
import java.util.concurrent.Callable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a run does for those who look at it: its failure is told in one line and costs nothing but itself. */
public final class AfterTraining {
    private static final Logger LOG = LoggerFactory.getLogger(AfterTraining.class);

    private AfterTraining() {}

    /**
     * Does it.
     *
     * @param what for the log
     * @return empty if it failed
     */
    @SuppressWarnings("IllegalCatch") // a class that cannot draw, and memory that runs out, are failures like others
    public static <T> Optional<T> attempt(String what, Callable<T> work) {
        try {
            return Optional.of(work.call());
        } catch (Exception | LinkageError | OutOfMemoryError | StackOverflowError | AssertionError e) {
            LOG.warn("{}: left out, since this failed: {}", what, e.toString());
            LOG.debug("{}", what, e);
            return Optional.empty();
        }
    }
}
