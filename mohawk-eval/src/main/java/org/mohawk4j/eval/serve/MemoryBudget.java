package org.mohawk4j.eval.serve;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.concurrent.atomic.AtomicLong;
import org.mohawk4j.tokenizer.TextPieces;

/**
 * Half of the heap, shared out among what requests hold there: bodies while they are read, texts while they are encoded, answers from when they are
 * asked for until they are sent. The other half is for the rest.
 */
final class MemoryBudget {
    /** Of a token: its piece, and its name, number and place in the answer. */
    private static final long TOKEN_BYTES = 400;

    /** Of one of the likeliest tokens: as the model gives it, and as the answer has it. */
    private static final long LIKELIEST_BYTES = 250;

    /** Of a byte of text that the tokenizer's library gets in one piece, which has been seen to take 580. */
    private static final long TEXT_BYTES = 600;

    private final long total;
    private final AtomicLong free;

    /** @param heapBytes the most that the heap can have */
    MemoryBudget(long heapBytes) {
        total = heapBytes / 2;
        free = new AtomicLong(total);
    }

    /** What an answer takes at most. */
    static long bytesOf(Completion request) {
        long continuations =
                (long) request.prompts().size() * request.decoding().choices();
        long tokens = continuations * request.decoding().maxTokens()
                + (request.output().echo()
                        ? (long) request.promptTokens() * request.decoding().choices()
                        : 0);
        long likeliest = request.output().logProbs().isPresent()
                ? 1 + request.output().logProbs().getAsInt()
                : 0;
        return tokens * (TOKEN_BYTES + likeliest * LIKELIEST_BYTES);
    }

    /** What it takes at most to encode a text, whose pieces are encoded one after the other. */
    static long bytesOf(String text) {
        return TEXT_BYTES * Math.min(TextPieces.MAX_BYTES, text.getBytes(UTF_8).length);
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
