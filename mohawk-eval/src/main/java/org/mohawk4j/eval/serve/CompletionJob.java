package org.mohawk4j.eval.serve;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A request on its way through the model: the model's thread puts pieces in, the thread of the connection takes them out
 * at its client's pace, and can say that nobody wants more.
 */
final class CompletionJob implements Runnable {
    /** A piece, the end, or why there is no more. */
    private record Event(Optional<TextDelta> piece) {}

    private static final Event END = new Event(Optional.empty());

    private static final long LOOKED_UP_AFTER_MILLIS = 100;

    private final Completer completer;
    private final Completion request;
    private final BooleanSupplier aborted;
    private final BlockingQueue<Event> events = new LinkedBlockingQueue<>();
    private volatile boolean canceled;
    private volatile @Nullable Throwable failure;

    /** Something to do while nothing comes. */
    interface Waiting {
        void keepWaiting() throws IOException;
    }

    /** @param aborted whether all work is to end now */
    CompletionJob(Completer completer, Completion request, BooleanSupplier aborted) {
        this.completer = completer;
        this.request = request;
        this.aborted = aborted;
    }

    @Override
    public void run() {
        try {
            if (!canceled) {
                completer.run(request, piece -> {
                    events.add(new Event(Optional.of(piece)));
                    return !canceled && !aborted.getAsBoolean();
                });
            }
            if (aborted.getAsBoolean()) {
                failure = ApiException.of(503, "shutting_down", "the server is shutting down");
            }
        } catch (RuntimeException | Error e) {
            // the connection's thread reports it; the model's thread serves others, with the memory of this one
            events.clear();
            failure = e;
        }
        events.add(END);
    }

    /** Nobody wants more. */
    void cancel() {
        canceled = true;
    }

    /**
     * The next piece, once it is there; empty at the end.
     *
     * @throws ApiException if there is no more because something failed
     */
    Optional<TextDelta> next() {
        try {
            return next(() -> {});
        } catch (IOException e) {
            throw new UncheckedIOException("doing nothing failed", e);
        }
    }

    /**
     * As {@link #next()}, with something to do meanwhile.
     *
     * @throws IOException as what is done throws it
     */
    Optional<TextDelta> next(Waiting waiting) throws IOException {
        try {
            Event event = null;
            while (event == null) {
                event = events.poll(LOOKED_UP_AFTER_MILLIS, TimeUnit.MILLISECONDS);
                waiting.keepWaiting();
            }
            Throwable why = failure;
            if (event.piece().isEmpty() && why != null) {
                throw failed(why);
            }
            return event.piece();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw ApiException.of(503, "shutting_down", "the server is shutting down");
        }
    }

    private static ApiException failed(Throwable failure) {
        if (failure instanceof ApiException told) {
            return told;
        }
        if (failure instanceof OutOfMemoryError) {
            return ApiException.outOfMemory();
        }
        ApiException unexpected = ApiException.of(500, "internal_error", "the model failed: " + failure);
        unexpected.initCause(failure);
        return unexpected;
    }
}
