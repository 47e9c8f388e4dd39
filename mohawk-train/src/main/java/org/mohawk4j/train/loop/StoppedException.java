package org.mohawk4j.train.loop;

/** A run was asked to stop and has; what it can go on from is saved. The message is one line. */
public final class StoppedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public StoppedException(String message) {
        super(message);
    }
}
