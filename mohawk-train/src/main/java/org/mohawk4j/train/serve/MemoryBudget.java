package org.mohawk4j.train.serve;

import java.util.concurrent.atomic.AtomicLong;

/**
 * Half of the heap, shared out among what requests hold there: bodies while they are read, answers from when they are
 * asked for until they are sent. The other half is for the rest.
 */
final class MemoryBudget {
    /** Of a token: its piece, and its name, number and place in the answer. */
    private static final long TOKEN_BYTES = 400;

    /** Of one of the likeliest tokens: as the model gives it, and as the answer has it. */
    private static final long LIKELIEST_BYTES = 250;

    private final long total;
    private final AtomicLong free;

    /** @param heapBytes the most that the heap can have */
    MemoryBudget(long heapBytes) {
        total = heapBytes / 2;
        free = new AtomicLong(total);
    }

    /** What an answer takes at most. */
    static long bytesOf(Completion request) {
        long continuations = (long) request.prompts().size() * request.choices();
        long tokens = continuations * request.maxTokens()
                + (request.echo() ? (long) request.promptTokens() * request.choices() : 0);
        long likeliest = request.logProbs().isPresent() ? 1 + request.logProbs().getAsInt() : 0;
        return tokens * (TOKEN_BYTES + likeliest * LIKELIEST_BYTES);
    }

    /** All there is to share out. */
    long total() {
        return total;
    }

    /** A share, of nothing yet. */
    Share share() {
        return new Share();
    }

    /** What one request has taken, given back when it is closed. For one thread. */
    final class Share implements AutoCloseable {
        private long taken;

        /** Takes more, unless too much is taken already. */
        boolean grow(long bytes) {
            boolean granted = free.getAndUpdate(left -> left >= bytes ? left - bytes : left) >= bytes;
            taken += granted ? bytes : 0;
            return granted;
        }

        @Override
        public void close() {
            free.addAndGet(taken);
        }
    }
}
