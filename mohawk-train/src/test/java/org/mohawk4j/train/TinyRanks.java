package org.mohawk4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.backend.Backend;
import org.mohawk4j.backend.Communicator;
import org.mohawk4j.train.distributed.HostCommunicator;
import org.mohawk4j.train.distributed.LocalProcessGroup;
import org.mohawk4j.train.distributed.ProcessGroup;
import org.mohawk4j.train.loop.StopSignal;
import org.mohawk4j.train.loop.TrainingListener;
import org.mohawk4j.train.metrics.StepMetrics;

/** A {@link TinyRun} on threads as ranks: from start to end, stopped, killed. */
final class TinyRanks {
    private TinyRanks() {}

    static void requireNone(List<@Nullable Throwable> thrown) {
        for (Throwable failure : thrown) {
            if (failure != null) {
                throw new AssertionError(failure);
            }
        }
    }

    static List<@Nullable Throwable> on(int ranks, TinyRun run, boolean resumed) throws InterruptedException {
        return LocalProcessGroup.run(
                ranks, group -> run.run(group, resumed, new TrainingListener() {}, new StopSignal()));
    }

    /** Ends a run behind some steps, by a signal that only the last rank gets. */
    static List<@Nullable Throwable> stoppedAfter(int steps, int ranks, TinyRun run, boolean resumed)
            throws InterruptedException {
        AtomicInteger left = new AtomicInteger(steps);
        StopSignal ofLast = new StopSignal();
        return LocalProcessGroup.run(
                ranks,
                group -> run.run(
                        group,
                        resumed,
                        new TrainingListener() {
                            @Override
                            public void iterationDone(StepMetrics metrics) {
                                if (left.decrementAndGet() == 0) {
                                    ofLast.request();
                                }
                            }
                        },
                        group.rank() == ranks - 1 ? ofLast : new StopSignal()));
    }

    static void assertClose(TinyRun run, TinyRun expected, double tolerance) {
        assertThat(run.losses())
                .extracting(StepMetrics::position)
                .isEqualTo(expected.losses().stream().map(StepMetrics::position).toList());
        assertThat(run.losses())
                .extracting(StepMetrics::tokens)
                .isEqualTo(expected.losses().stream().map(StepMetrics::tokens).toList());
        for (int i = 0; i < run.losses().size(); i++) {
            StepMetrics one = run.losses().get(i);
            double loss = expected.losses().get(i).loss();
            assertThat(one.loss()).as(String.valueOf(one.position())).isCloseTo(loss, within(tolerance * loss));
        }
    }

    /** A run folder as it is now, elsewhere. */
    static Path copyOf(TinyRun run, Path copy) throws IOException {
        try (Stream<Path> files = Files.walk(run.folder())) {
            for (Path file : files.toList()) {
                Files.copy(file, copy.resolve(run.folder().relativize(file)));
            }
        }
        return copy;
    }

    /**
     * A group whose last rank dies when it has exchanged something so often, before it does so again.
     *
     * @param ofCheckpoints whether only what is said about checkpoints counts
     */
    record Mortal(ProcessGroup group, boolean ofCheckpoints, AtomicInteger left) implements ProcessGroup {
        @Override
        public int rank() {
            return group.rank();
        }

        @Override
        public int size() {
            return group.size();
        }

        @Override
        public String host(int rank) {
            return group.host(rank);
        }

        @Override
        public List<byte[]> exchange(byte[] own) {
            boolean counts = !ofCheckpoints || new String(own, StandardCharsets.UTF_8).startsWith("{");
            if (rank() == size() - 1 && counts && left.getAndDecrement() == 0) {
                throw new IllegalStateException("killed");
            }
            return group.exchange(own);
        }

        @Override
        public Communicator communicator(Backend backend) {
            return HostCommunicator.join(this, backend);
        }

        @Override
        public void fail(String reason) {
            group.fail(reason);
        }

        @Override
        public void close() {
            group.close();
        }
    }
}
