package org.mohawk4j.data;

import java.util.Optional;
import java.util.OptionalLong;
import org.mohawk4j.InvalidInputException;

/** Texts to train on. */
public interface Dataset {
    /**
     * A stream of batches of these texts from its start.
     *
     * @param context T
     * @param batch B
     * @param seed of the order
     * @throws InvalidInputException if the texts do not hold one window
     */
    DataLoader batches(int context, int batch, long seed);

    /**
     * How many windows there are that differ, if every pass has the same.
     *
     * @param context T
     */
    default OptionalLong windows(int context) {
        return OptionalLong.empty();
    }

    /** What tells texts from others. */
    record Fingerprint(long bytes, String sha256) {}

    /** What tells these texts from others; empty if nothing does, and then a run that goes on cannot compare them. */
    default Optional<Fingerprint> fingerprint() {
        return Optional.empty();
    }

    /** One text in memory. */
    static Dataset of(TokenSequence text) {
        return new Dataset() {
            @Override
            public DataLoader batches(int context, int batch, long seed) {
                return new InMemoryLoader(new TokenWindows(text, context), batch, seed);
            }

            @Override
            public OptionalLong windows(int context) {
                return OptionalLong.of(new TokenWindows(text, context).count());
            }

            @Override
            public Optional<Fingerprint> fingerprint() {
                return Optional.of(text.fingerprint());
            }
        };
    }
}
