package org.mohawk4j.train.distributed;

import org.mohawk4j.train.loop.TrainingException;

/** A rank of a run has failed, which ends the run on all ranks. The message names the rank and its host. */
public final class RankFailedException extends TrainingException {
    private static final long serialVersionUID = 1;

    public RankFailedException(String message) {
        super(message);
    }
}
