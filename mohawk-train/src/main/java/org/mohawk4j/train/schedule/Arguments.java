package org.mohawk4j.train.schedule;

/** Range checks of the schedules. */
final class Arguments {
    private Arguments() {}

    static void require(boolean holds, String name, String expected, Number actual) {
        if (!holds) {
            throw new IllegalArgumentException(name + ": expected " + expected + ", got " + actual);
        }
    }
}
