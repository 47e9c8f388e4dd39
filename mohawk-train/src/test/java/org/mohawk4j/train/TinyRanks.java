package org.mohawk4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.backend.Backend;
import org.mohawk4j.train.checkpoint.Checkpoint;
import org.mohawk4j.train.checkpoint.CheckpointStore;
import org.mohawk4j.train.checkpoint.Position;
import org.mohawk4j.train.distributed.HostCommunicator;
import org.mohawk4j.train.distributed.LocalProcessGroup;
import org.mohawk4j.train.distributed.ProcessGroup;
import org.mohawk4j.train.distributed.RankFailedException;
import org.mohawk4j.train.loop.StopSignal;
import org.mohawk4j.train.loop.TrainingListener;
import org.mohawk4j.train.metrics.StepMetrics;

/**
 * Three {@link TinyRun}s of the same changes: on one rank, on two threads as ranks, and on two that stopped after their sixth
 * step.
 */
record TinyRanks(Map<String, Object> changes, TinyRun alone, TinyRun pair, TinyRun begun) {
    static TinyRanks in(Path folder, Map<String, Object> changes) throws Exception {
        TinyRun alone = new TinyRun(folder.resolve("one"), changes);
        alone.start();
        TinyRun pair = new TinyRun(folder.resolve("two"), changes);
        requireNone(on(2, pair, false));
        TinyRun begun = new TinyRun(folder.resolve("begun"), changes);
        stoppedAfter(6, 2, begun, false);
        return new TinyRanks(changes, alone, pair, begun);
    }

    /** The run that stopped, elsewhere. */
    TinyRun begunAt(Path copy) throws IOException {
        try (Stream<Path> files = Files.walk(begun.folder())) {
            for (Path file : files.toList()) {
                Files.copy(file, copy.resolve(begun.folder().relativize(file)));
            }
        }
        return new TinyRun(copy, changes);
    }

    /** Resumes a run of two ranks, and expects what {@link #pair} has. */
    void requirePairFrom(TinyRun stopped) throws Exception {
        requireNone(on(2, stopped, true));
        assertSame(stopped, pair);
    }

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

    static void assertSame(TinyRun run, TinyRun expected) throws IOException {
        assertThat(run.losses()).isEqualTo(expected.losses());
        assertThat(run.student()).isEqualTo(expected.student());
    }

    static Checkpoint newest(TinyRun run) {
        return new CheckpointStore(run.folder().resolve("checkpoints")).newest().orElseThrow();
    }

    /**
     * Resumes a run on two ranks, of which the second dies, and expects that the first names it and leaves the last
     * checkpoint.
     *
     * @param ofCheckpoints whether only what is said about checkpoints counts
     * @param exchanges that the second rank takes part in before it dies
     * @return what the second threw
     */
    static @Nullable Throwable killed(TinyRun run, boolean ofCheckpoints, int exchanges) throws InterruptedException {
        Position before = newest(run).position();
        AtomicInteger left = new AtomicInteger(exchanges);

        List<@Nullable Throwable> thrown = LocalProcessGroup.run(
                2,
                group -> run.run(
                        group.rank() == 0 ? group : mortal(group, ofCheckpoints, left),
                        true,
                        new TrainingListener() {},
                        new StopSignal()));

        assertThat(thrown.get(0))
                .isInstanceOf(RankFailedException.class)
                .hasMessageContaining("rank 1")
                .hasMessageContaining("killed");
        assertThat(newest(run).position()).isGreaterThanOrEqualTo(before);
        return thrown.get(1);
    }

    /** A group as a rank sees it that dies in {@link ProcessGroup#exchange}. */
    private static ProcessGroup mortal(ProcessGroup group, boolean ofCheckpoints, AtomicInteger left) {
        return (ProcessGroup) Proxy.newProxyInstance(
                ProcessGroup.class.getClassLoader(), new Class<?>[] {ProcessGroup.class}, (self, method, arguments) -> {
                    if (method.getName().equals("communicator")) {
                        // collective operations count as exchanges
                        return HostCommunicator.join((ProcessGroup) self, (Backend) arguments[0]);
                    }
                    if (method.getName().equals("exchange")) {
                        String own = new String((byte[]) arguments[0], StandardCharsets.UTF_8);
                        if ((!ofCheckpoints || own.startsWith("{")) && left.getAndDecrement() == 0) {
                            throw new IllegalStateException("killed");
                        }
                    }
                    try {
                        return method.invoke(group, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getTargetException();
                    }
                });
    }
}
