package org.mohawk4j.data;

import com.fasterxml.jackson.databind.node.ObjectNode;
import org.mohawk4j.InvalidInputException;

/**
 * An endless stream of training batches, a function of its texts, its seed and its settings alone: the same on every
 * machine, and continued from a saved state as if never interrupted. {@link org.mohawk4j.train.loop.Trainer} reads
 * from it.
 *
 * <p>Not for use by several threads at once; a stream may read ahead on threads of its own.
 */
public interface DataLoader extends AutoCloseable {
    /** The next batch [B, T]. */
    TokenBatch next();

    /** How often the texts have been handed out, counting the parts of a pass: 1.5 is one pass and a half. */
    double epochs();

    /** Where the stream stands after the last {@link #next}: small, and without what was read ahead. For a checkpoint. */
    ObjectNode state();

    /**
     * Continues from a state of {@link #state}.
     *
     * @throws InvalidInputException if it is no state of a stream over the same texts with the same settings; the
     *     stream then stands where it stood
     */
    void restore(ObjectNode state);

    /** Ends reading ahead and closes files. */
    @Override
    default void close() {}
}
