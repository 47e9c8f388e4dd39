package org.mohawk4j.mixer;

/** What a mixer remembers of the positions it has seen, for one batch of sequences. Closing it frees its memory. */
public interface MixerState extends AutoCloseable {
    /** Positions seen so far. */
    long position();

    @Override
    void close();
}
