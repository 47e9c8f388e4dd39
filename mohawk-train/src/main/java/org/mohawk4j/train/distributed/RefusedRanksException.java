package org.mohawk4j.train.distributed;

import org.mohawk4j.InvalidInputException;

/** Ranks do not fit together. All ranks have found the same, and throw this with the same line. */
public final class RefusedRanksException extends InvalidInputException {
    private static final long serialVersionUID = 1;

    public RefusedRanksException(String message) {
        super(message);
    }
}
