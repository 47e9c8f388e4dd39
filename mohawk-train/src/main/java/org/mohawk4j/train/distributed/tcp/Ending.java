package org.mohawk4j.train.distributed.tcp;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.backend.Communicator;

/** The end of a group that has failed: the first reason counts, and nothing that waits for another rank waits on. */
final class Ending {
    private final TcpSettings settings;
    private final AtomicReference<@Nullable Failure> failure = new AtomicReference<>();
    private final List<Communicator> communicators = new CopyOnWriteArrayList<>();
    private final CountDownLatch aborted = new CountDownLatch(1);
    private final CountDownLatch left = new CountDownLatch(1);

    Ending(TcpSettings settings) {
        this.settings = settings;
    }

    Optional<Failure> failure() {
        return Optional.ofNullable(failure.get());
    }

    /** Throws the reason, if the group has failed. */
    void requireNone() {
        failure().ifPresent(reason -> {
            throw reason.exception();
        });
    }

    /** Whether this was the first reason. */
    boolean begin(Failure reason) {
        return failure.compareAndSet(null, reason);
    }

    /** Ends what the training thread may wait in, and then, if need be, whatever the settings say. */
    void force(Failure reason) {
        start("mohawk-rank-abort", () -> {
            try {
                communicators.forEach(Communicator::abort);
            } finally {
                aborted.countDown();
            }
        });
        start("mohawk-rank-end", () -> {
            if (!left.await(settings.leave().toMillis(), TimeUnit.MILLISECONDS)) {
                settings.stuck().accept(reason.exception());
            }
        });
    }

    /** Adds what has to be aborted. */
    void add(Communicator communicator) {
        communicators.add(communicator);
        if (failure().isPresent()) {
            communicator.abort();
        }
    }

    /** Waits until operations are aborted, before what they use is freed. */
    void awaitAborted() {
        try {
            aborted.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while operations are aborted", e);
        }
    }

    /** The training thread has left. */
    void leave() {
        left.countDown();
    }

    private interface Work {
        void run() throws InterruptedException;
    }

    private static void start(String name, Work work) {
        Thread thread = new Thread(
                () -> {
                    try {
                        work.run();
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                },
                name);
        thread.setDaemon(true);
        thread.start();
    }
}
