package org.mohawk4j.tensor.types;

import java.util.stream.IntStream;
import org.mohawk4j.InvalidInputException;

/**
 * The least and the largest of some indices, known from when they were on the host: a device that is asked to read beyond a
 * table does so without a word.
 */
public record IndexRange(int least, int largest) {
    public static IndexRange of(int... indices) {
        return new IndexRange(
                IntStream.of(indices).min().orElse(0),
                IntStream.of(indices).max().orElse(0));
    }

    public void requireBelow(long limit, String what) {
        if (least < 0 || largest >= limit) {
            throw new InvalidInputException(
                    what + ": expected 0 to " + (limit - 1) + ", found " + (least < 0 ? least : largest));
        }
    }
}
