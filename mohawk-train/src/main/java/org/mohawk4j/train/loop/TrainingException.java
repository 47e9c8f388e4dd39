package org.mohawk4j.train.loop;

/** Training cannot continue, for example after repeated non-finite losses. The message is one line. */
public class TrainingException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public TrainingException(String message) {
        super(message);
    }

    public TrainingException(String message, Throwable cause) {
        super(message, cause);
    }
}
