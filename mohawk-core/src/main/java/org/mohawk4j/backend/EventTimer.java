package org.mohawk4j.backend;

/** Time on the device itself, whose work the host only queues: CUDA events. */
public interface EventTimer {
    /** A place in the queued work. */
    interface Mark extends AutoCloseable {
        /** Seconds from an earlier mark to this one; waits until both have been reached. */
        double secondsSince(Mark earlier);

        @Override
        void close();
    }

    /** Marks what has been queued so far. */
    Mark mark();
}
