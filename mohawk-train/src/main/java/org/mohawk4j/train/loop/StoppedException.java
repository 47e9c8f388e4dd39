package org.mohawk4j.train.loop;

/** A run was stopped on request. The message is one line. */
public final class StoppedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final boolean saved;

    /** @param saved whether there is something to go on from */
    public StoppedException(String message, boolean saved) {
        super(message);
        this.saved = saved;
    }

    /** Whether there is something to go on from. */
    public boolean isSaved() {
        return saved;
    }
}
