package org.mohawk4j.train.serve;

import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.BooleanSupplier;

/**
 * A request on its way through the model: the model's thread puts pieces in, the thread of the connection takes them out
 * at its client's pace, and can say that nobody wants more.
 */
final class CompletionJob implements Runnable {
    /** A piece, the end, or why there is no more. */
    private record Event(Optional<Piece> piece, Optional<Throwable> failure) {}

    private final Completer completer;
    private final Completion request;
    private final BooleanSupplier aborted;
    private final BlockingQueue<Event> events = new LinkedBlockingQueue<>();
    private volatile boolean cancelled;

    /** @param aborted whether all work is to end now */
    CompletionJob(Completer completer, Completion request, BooleanSupplier aborted) {
        this.completer = completer;
        this.request = request;
        this.aborted = aborted;
    }

    @Override
    public void run() {
        try {
            completer.run(request, piece -> {
                events.add(new Event(Optional.of(piece), Optional.empty()));
                return !cancelled && !aborted.getAsBoolean();
            });
            Optional<Throwable> failure = aborted.getAsBoolean()
                    ? Optional.of(ApiException.of(503, "shutting_down", "the server is shutting down"))
                    : Optional.empty();
            events.add(new Event(Optional.empty(), failure));
        } catch (RuntimeException | Error e) {
            // the connection's thread reports it; the model's thread serves others
            events.add(new Event(Optional.empty(), Optional.of(e)));
        }
    }

    /** Nobody wants more. */
    void cancel() {
        cancelled = true;
    }

    /**
     * The next piece, once it is there; empty at the end.
     *
     * @throws ApiException if there is no more because something failed
     */
    Optional<Piece> next() {
        try {
            Event event = events.take();
            if (event.failure().isPresent()) {
                throw failed(event.failure().get());
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
        ApiException unexpected = ApiException.of(500, "internal_error", "the model failed: " + failure);
        unexpected.initCause(failure);
        return unexpected;
    }
}
