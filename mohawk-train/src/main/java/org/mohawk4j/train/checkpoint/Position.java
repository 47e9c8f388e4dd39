package org.mohawk4j.train.checkpoint;

import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A place in a run, between two steps.
 *
 * @param stage in the run's list of stages, from 1
 * @param step of the stage, the last one taken; 0 before the first
 */
public record Position(int stage, int step) implements Comparable<Position> {
    private static final Pattern NAME = Pattern.compile("stage-(\\d{1,9})-step-(\\d{8,10})");
    private static final Comparator<Position> ORDER =
            Comparator.comparingInt(Position::stage).thenComparingInt(Position::step);

    /** The position that a folder is named after; empty if it is named otherwise. */
    static Optional<Position> named(String name) {
        Matcher matcher = NAME.matcher(name);
        if (!matcher.matches()) {
            return Optional.empty();
        }
        long step = Long.parseLong(matcher.group(2));
        return step > Integer.MAX_VALUE
                ? Optional.empty()
                : Optional.of(new Position(Integer.parseInt(matcher.group(1)), (int) step));
    }

    /** The name of its folder. */
    String folder() {
        return String.format(Locale.ROOT, "stage-%d-step-%08d", stage, step);
    }

    @Override
    public int compareTo(Position other) {
        return ORDER.compare(this, other);
    }

    /** As messages say it. */
    @Override
    public String toString() {
        return "stage " + stage + ", step " + step;
    }
}
