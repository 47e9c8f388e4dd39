package org.mohawk4j.tensor;

import java.util.stream.IntStream;
import org.mohawk4j.InvalidInputException;

/**
 * The least and the largest of some indices, known from when they were on the host: a device that is asked to read beyond a
 * table does so without a word.
 */
record IndexRange(int least, int largest) {
    static IndexRange of(int... indices) {
        return new IndexRange(
                IntStream.of(indices).min().orElse(0),
                IntStream.of(indices).max().orElse(0));
    }

    void requireBelow(long limit, String what) {
        if (least < 0 || largest >= limit) {
            throw new InvalidInputException(
                    what + ": expected 0 to " + (limit - 1) + ", found " + (least < 0 ? least : largest));
        }
    }
}
