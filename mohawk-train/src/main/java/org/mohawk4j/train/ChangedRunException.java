package org.mohawk4j.train;

import org.mohawk4j.InvalidInputException;

/** A run that is to go on is not what it was begun with, and nobody has accepted the changes, which the message tells. */
public final class ChangedRunException extends InvalidInputException {
    private static final long serialVersionUID = 1L;

    ChangedRunException(String message) {
        super(message);
    }
}
