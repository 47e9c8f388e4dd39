package org.mohawk4j.train;

import org.mohawk4j.InvalidInputException;

/** A run to resume has changed inputs that were not accepted; the message names them. */
public final class ChangedRunException extends InvalidInputException {
    private static final long serialVersionUID = 1L;

    ChangedRunException(String message) {
        super(message);
    }
}
