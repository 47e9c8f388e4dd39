package org.mohawk4j.train.yaml;

import java.util.List;
import org.mohawk4j.InvalidInputException;

/** Range checks of configuration values, each failing with one line that names the key as it stands in the YAML. */
public final class Ranges {
    private Ranges() {}

    public static void require(boolean holds, String key, String expected, Object actual) {
        if (!holds) {
            throw new InvalidInputException(key + ": expected " + expected + ", got " + actual);
        }
    }

    public static void atLeast(long lowest, String key, long actual) {
        require(actual >= lowest, key, "a whole number of at least " + lowest, actual);
    }

    public static void positive(String key, double actual) {
        require(actual > 0 && Double.isFinite(actual), key, "a number above 0", actual);
    }

    public static void notNegative(String key, double actual) {
        require(actual >= 0 && Double.isFinite(actual), key, "a number of at least 0", actual);
    }

    public static void fraction(String key, double actual) {
        require(actual >= 0 && actual <= 1, key, "a number from 0 to 1", actual);
    }

    public static void size(int size, String key, List<?> actual) {
        require(actual.size() == size, key, size + (size == 1 ? " number" : " numbers"), actual.size() + ": " + actual);
    }

    public static void names(String key, List<String> patterns) {
        for (String pattern : patterns) {
            require(!pattern.isBlank(), key, "names of parameters", "an empty one in " + patterns);
        }
    }
}
