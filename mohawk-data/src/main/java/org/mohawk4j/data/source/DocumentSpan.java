package org.mohawk4j.data.source;

import org.mohawk4j.InvalidInputException;

/** A part of a file: whole documents, or a piece of one that is long. */
public interface DocumentSpan {
    /** Where it begins; a reader opened there gives this chunk and those after it. */
    ShardPosition start();

    /**
     * Its token ids, each document followed by the end-of-text token. Computed here, on whichever thread calls.
     *
     * @throws InvalidInputException if the chunk is not what its file should hold, or an id is outside the vocabulary
     */
    int[] tokens();
}
