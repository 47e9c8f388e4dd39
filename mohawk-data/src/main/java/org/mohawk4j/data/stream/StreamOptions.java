package org.mohawk4j.data.stream;

/**
 * How texts are streamed.
 *
 * @param readers threads that turn text into tokens, up to {@link #MOST_READERS}; changes speed, not order
 * @param shuffleWindows windows among which the order is random
 */
public record StreamOptions(int readers, int shuffleWindows) {
    /** Each has texts under way in memory. */
    public static final int MOST_READERS = 1024;

    /** Checks the ranges. */
    public StreamOptions {
        if (readers < 1 || readers > MOST_READERS || shuffleWindows < 1) {
            throw new IllegalArgumentException("readers and shuffle windows: expected 1 to " + MOST_READERS
                    + " and at least 1, got " + readers + " and " + shuffleWindows);
        }
    }

    /** Chunks under way for each text: enough that no reader waits for the file. */
    int ahead() {
        return 4 * readers;
    }
}
