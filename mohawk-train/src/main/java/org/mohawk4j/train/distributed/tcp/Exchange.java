package org.mohawk4j.train.distributed.tcp;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The values that ranks exchange, and the threads that wait for them. A rank is at most one exchange ahead of others. */
final class Exchange {
    private final int size;
    private final Map<Integer, byte[]> parts = new TreeMap<>();
    private @Nullable List<byte[]> result;
    private @Nullable Failure failure;
    private boolean isBegun;

    Exchange(int size) {
        this.size = size;
    }

    /** This rank takes part from now on, until {@link #await} returns. */
    synchronized void begin() {
        isBegun = true;
    }

    /** Whether parts are missing, on the rank that collects them; on others, whether the result is. */
    synchronized boolean isPending(boolean collects) {
        return collects ? !parts.isEmpty() : isBegun && result == null;
    }

    /** Adds a rank's part; on rank 0, which collects them. All parts, if this was the last. */
    synchronized Optional<List<byte[]>> add(int rank, byte[] part) {
        if (parts.put(rank, part) != null) {
            throw new IllegalStateException("rank " + rank + " exchanges twice at once");
        }
        if (parts.size() < size) {
            return Optional.empty();
        }
        List<byte[]> all = new ArrayList<>(parts.values());
        parts.clear();
        return Optional.of(all);
    }

    synchronized void complete(List<byte[]> all) {
        result = all;
        notifyAll();
    }

    /** Ends all waiting threads. */
    synchronized void fail(Failure reason) {
        failure = reason;
        notifyAll();
    }

    /** Waits. A result that is there counts also when the group has failed since: all ranks have it. */
    synchronized List<byte[]> await() {
        try {
            while (result == null && failure == null) {
                wait();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while ranks exchange values", e);
        } finally {
            isBegun = false;
        }
        List<byte[]> all = result;
        if (all == null) {
            throw Objects.requireNonNull(failure).exception();
        }
        result = null;
        return all;
    }
}
