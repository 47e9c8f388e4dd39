package org.mohawk4j.mixer;

/** What a mixer remembers of the positions it has seen, for one batch of sequences. Closing it frees its memory. */
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
