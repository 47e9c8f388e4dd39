package org.mohawk4j.train.data.stream;

/**
 * How texts are streamed.
 *
 * @param readers threads that turn text into tokens; changes speed, not order
 * @param shuffleWindows windows among which the order is random
 */
public record StreamOptions(int readers, int shuffleWindows) {
    /** Checks the ranges. */
    public StreamOptions {
        if (readers < 1 || shuffleWindows < 1) {
            throw new IllegalArgumentException(
                    "readers and shuffle windows: expected at least 1, got " + readers + " and " + shuffleWindows);
        }
    }

    /** Chunks under way for each text: enough that no reader waits for the file. */
    int ahead() {
        return 4 * readers;
    }
}
