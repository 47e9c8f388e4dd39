package org.mohawk4j.backend.cuda.driver;

import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/** What is to be closed, the latest first, whatever some of it throws. */
public final class CloseStack {
    private final Deque<Runnable> steps = new ArrayDeque<>();

    /** Runs {@code step} before everything that was added before it. */
    public void add(Runnable step) {
        steps.push(step);
    }

    /** Runs every step once. The first error comes out, with the others suppressed in it. */
    public void close() {
        Throwable first = closeAfter(null);
        if (first instanceof Error error) {
            throw error;
        }
        if (first instanceof RuntimeException exception) {
            throw exception;
        }
    }

    /**
     * Runs every step once, since something went wrong.
     *
     * @param error gets what the steps throw as suppressed
     * @return the error, or the first of the steps' if there was none
     */
    @Nullable public Throwable closeAfter(@Nullable Throwable error) {
        Throwable first = error;
        while (!steps.isEmpty()) {
            try {
                steps.pop().run();
            } catch (RuntimeException | Error e) {
                if (first == null) {
                    first = e;
                } else {
                    first.addSuppressed(e);
                }
            }
        }
        return first;
    }
}
