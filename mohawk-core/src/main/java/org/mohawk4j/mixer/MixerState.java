package org.mohawk4j.mixer;

/**
 * The state of a mixer after the positions it has processed, for one batch of sequences: a recurrent state or a cache.
 * Closing it frees its memory.
 */
public interface MixerState extends AutoCloseable {
    /** Positions seen so far. */
    long position();

    /**
     * Whether each further position is the same work on the same memory, whatever came before, so that it can be recorded
     * once and replayed: true of a recurrence, not of a history that grows.
     */
    default boolean isFixed() {
        return false;
    }

    @Override
    void close();
}
