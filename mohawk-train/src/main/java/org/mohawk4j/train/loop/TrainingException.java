package org.mohawk4j.train.loop;

/** Training cannot go on, such as when the loss is no longer a number. The message is one line. */
public final class TrainingException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public TrainingException(String message) {
        super(message);
    }

    public TrainingException(String message, Throwable cause) {
        super(message, cause);
    }
}
