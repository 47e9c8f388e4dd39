package org.mohawk4j.train.distributed.tcp;

import java.time.Duration;
import java.util.Collection;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.LongStream;

/**
 * Which rank does not proceed. All ranks take the same operations together in the same order, so that the one that others
 * wait for has begun fewer of them. Times are those of {@link System#nanoTime}.
 */
final class Watchdog {
    private final long patience;
    private final Map<Integer, Seen> ranks = new TreeMap<>();

    /** What is known of a rank. */
    private static final class Seen {
        private long heard;
        private long changed;
        private Pace pace = Pace.NONE;
        private boolean gone;

        Seen(long now) {
            heard = now;
            changed = now;
        }
    }

    /**
     * How far a rank is.
     *
     * @param operations that all ranks take together, begun so far
     * @param activity grows with whatever the rank does
     * @param steps whether it has taken one
     */
    record Pace(long operations, long activity, boolean steps) {
        static final Pace NONE = new Pace(0, 0, false);
    }

    /** @param watched ranks, this one included */
    Watchdog(Collection<Integer> watched, Duration patience, long now) {
        this.patience = patience.toNanos();
        watched.forEach(rank -> ranks.put(rank, new Seen(now)));
    }

    synchronized void heard(int rank, long now) {
        seen(rank).heard = now;
    }

    synchronized void reached(int rank, Pace pace, long now) {
        Seen seen = seen(rank);
        if (!pace.equals(seen.pace)) {
            seen.pace = pace;
            seen.changed = now;
        }
    }

    synchronized void left(int rank) {
        seen(rank).gone = true;
    }

    synchronized boolean hasLeft(int rank) {
        return seen(rank).gone;
    }

    /** A rank that has left; empty while all are here. */
    synchronized Optional<Integer> gone() {
        return first(seen -> seen.gone);
    }

    /** After a time in which this process did not run: nothing that it has not heard meanwhile says anything. */
    synchronized void forgive(long now) {
        ranks.values().forEach(seen -> {
            seen.heard = now;
            seen.changed = now;
        });
    }

    /** A rank that shows no sign of life. */
    synchronized Optional<Integer> silent(long now) {
        return first(seen -> !seen.gone && now - seen.heard > patience);
    }

    /** A rank that others have been waiting for for too long. */
    synchronized Optional<Integer> stuck(long now) {
        long least = operations().min().orElse(0);
        long most = operations().max().orElse(0);
        return first(seen -> isIdle(seen, now) && seen.pace.operations() == least && seen.pace.operations() < most);
    }

    /** A rank that has left before operations that others have been waiting in for too long. */
    synchronized Optional<Integer> abandoned(long now) {
        long most = ranks.values().stream()
                .filter(seen -> isIdle(seen, now))
                .mapToLong(seen -> seen.pace.operations())
                .max()
                .orElse(0);
        return first(seen -> seen.gone && seen.pace.operations() < most);
    }

    /** Whether all ranks have been in the same operation for too long. */
    synchronized boolean isDeadlocked(long now) {
        return operations().count() > 1 && ranks.values().stream().allMatch(seen -> seen.gone || isIdle(seen, now));
    }

    private boolean isIdle(Seen seen, long now) {
        return !seen.gone && now - seen.changed > (seen.pace.steps() ? patience : TcpSettings.PAUSE * patience);
    }

    private LongStream operations() {
        return ranks.values().stream().filter(seen -> !seen.gone).mapToLong(seen -> seen.pace.operations());
    }

    private Optional<Integer> first(Predicate<Seen> which) {
        return ranks.entrySet().stream()
                .filter(entry -> which.test(entry.getValue()))
                .map(Map.Entry::getKey)
                .findFirst();
    }

    private Seen seen(int rank) {
        return Objects.requireNonNull(ranks.get(rank), () -> "rank " + rank + " is not watched");
    }
}
