package org.mohawk4j;

/** Range checks of arguments: each failure is one line with the thing, the expected and the actual. */
public final class Arguments {
    private Arguments() {}

    /** @throws IllegalArgumentException if it does not hold */
    public static void require(boolean holds, String name, String expected, Object actual) {
        if (!holds) {
            throw new IllegalArgumentException(name + ": expected " + expected + ", got " + actual);
        }
    }

    public static void atLeast(long lowest, String name, long actual) {
        require(actual >= lowest, name, "a whole number of at least " + lowest, actual);
    }

    public static void positive(String name, double actual) {
        require(actual > 0 && Double.isFinite(actual), name, "a number above 0", actual);
    }

    public static void notNegative(String name, double actual) {
        require(actual >= 0 && Double.isFinite(actual), name, "a number of at least 0", actual);
    }

    /** What a running mean keeps of what it was. */
    public static void kept(String name, double actual) {
        require(actual >= 0 && actual < 1, name, "a number from 0 to below 1", actual);
    }
}
