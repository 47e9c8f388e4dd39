package org.mohawk4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.mohawk4j.train.TinyRanks.assertClose;
import static org.mohawk4j.train.TinyRanks.killed;
import static org.mohawk4j.train.TinyRanks.newest;
import static org.mohawk4j.train.TinyRanks.on;
import static org.mohawk4j.train.TinyRanks.stoppedAfter;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.backend.Communicator;
import org.mohawk4j.train.distributed.LocalProcessGroup;
import org.mohawk4j.train.distributed.ProcessGroup;
import org.mohawk4j.train.distributed.RankFailedException;
import org.mohawk4j.train.loop.StopSignal;
import org.mohawk4j.train.loop.StoppedException;
import org.mohawk4j.train.loop.TrainingListener;
import org.mohawk4j.train.metrics.StepMetrics;

/** Whole runs on several ranks: stopped, killed, and resumed on another number of them. */
class RanksRunTest {
    private static final Map<String, Object> CHANGES =
            Map.of("accumulate", 1, "checkpoint.every", 2, "faults.compare-ranks", 2);

    @TempDir
    private static Path shared;

    private static TinyRanks runs;

    @TempDir
    private Path folder;

    @BeforeAll
    static void runUndisturbed() throws Exception {
        runs = TinyRanks.in(shared, CHANGES);
    }

    @Test
    void twoRanksMakeTheRunOfOne() throws Exception {
        assertClose(runs.pair(), runs.alone(), 1e-4);
        assertThat(runs.pair().folder().resolve("student")).isDirectory();
    }

    @Test
    void aRunGoesOnOnAnotherNumberOfRanks() throws Exception {
        TinyRun run = new TinyRun(folder.resolve("run"), CHANGES);
        boolean resumed = false;
        for (int ranks : new int[] {1, 2, 4}) {
            List<@Nullable Throwable> thrown = stoppedAfter(3, ranks, run, resumed);
            assertThat(thrown).allSatisfy(end -> assertThat(end).isInstanceOf(StoppedException.class));
            assertThat(thrown)
                    .extracting(Throwable::getMessage)
                    .containsOnly(thrown.get(0).getMessage());
            resumed = true;
        }

        run.resume();

        assertClose(run, runs.alone(), 1e-4);
    }

    @Test
    void aRunWithDividedParametersGoesOnOnAnotherNumberOfRanks() throws Exception {
        Map<String, Object> changes = new HashMap<>(CHANGES);
        changes.put("shard-parameters", true);
        changes.put("distillation.recompute", true);
        TinyRun run = new TinyRun(folder.resolve("run"), changes);
        stoppedAfter(3, 2, run, false);
        Path newest = newest(run).folder();
        assertThat(newest.resolve("student-00002-of-00002.safetensors")).exists();
        stoppedAfter(3, 4, run, true);

        run.resume();

        assertClose(run, runs.alone(), 1e-4);
    }

    @Test
    void anInterruptedRunOfTwoIsBitIdenticalToOneThatWasNot() throws Exception {
        TinyRun run = runs.begunAt(folder.resolve("run"));

        runs.requirePairFrom(run);
    }

    /** NCCL's communicators wait for each other when they close. */
    @Test
    void aRankThatFailsTellsTheOthersBeforeItsCommunicatorCloses() throws Exception {
        TinyRun run = new TinyRun(folder.resolve("run"), CHANGES);
        List<String> events = Collections.synchronizedList(new ArrayList<>());
        TrainingListener failing = new TrainingListener() {
            @Override
            public void iterationDone(StepMetrics metrics) {
                if (metrics.step() == 2) {
                    throw new IllegalStateException("out of memory");
                }
            }
        };

        List<@Nullable Throwable> thrown = LocalProcessGroup.run(
                2,
                group -> run.run(
                        group.rank() == 0 ? observed(ProcessGroup.class, group, events) : group,
                        false,
                        failing,
                        new StopSignal()));

        assertThat(events).containsSubsequence("fail", "communicator closed").startsWith("fail");
        assertThat(thrown.get(0)).isInstanceOf(IllegalStateException.class).hasMessage("out of memory");
        assertThat(thrown.get(1)).isInstanceOf(RankFailedException.class).hasMessageEndingWith(": out of memory");
    }

    private static <T> T observed(Class<T> type, T own, List<String> events) {
        return type.cast(Proxy.newProxyInstance(
                type.getClassLoader(), new Class<?>[] {type}, (self, method, arguments) -> {
                    if (method.getName().equals("fail")) {
                        events.add("fail");
                    }
                    if (own instanceof Communicator && method.getName().equals("close")) {
                        events.add("communicator closed");
                    }
                    try {
                        Object result = method.invoke(own, arguments);
                        return result instanceof Communicator communicator
                                ? observed(Communicator.class, communicator, events)
                                : result;
                    } catch (InvocationTargetException e) {
                        throw e.getTargetException();
                    }
                }));
    }

    @Test
    void eachRankWritesItsMoments() throws Exception {
        Path newest = newest(runs.begun()).folder();
        try (Stream<Path> files = Files.list(newest)) {
            assertThat(files.map(file -> file.getFileName().toString()))
                    .contains("optimizer-00001-of-00002.safetensors", "optimizer-00002-of-00002.safetensors")
                    .contains("student.safetensors", "state.json", "COMPLETE");
        }
        assertThat(Files.size(newest.resolve("optimizer-00002-of-00002.safetensors")))
                .isLessThan(Files.size(newest.resolve("student.safetensors")));
    }

    @Test
    void aBatchThatHasNoEqualSharesIsRefusedOnAllRanks() throws Exception {
        TinyRun run = new TinyRun(folder.resolve("run"), Map.of());
        List<@Nullable Throwable> thrown = on(4, run, false);
        assertThat(thrown)
                .filteredOn(InvalidInputException.class::isInstance)
                .isNotEmpty()
                .allSatisfy(refusal -> assertThat(refusal)
                        .hasMessageContaining("batch: expected a multiple of 8, 2 micro-batches of 4 ranks, found 4"));
        assertThat(run.folder()).doesNotExist();
    }

    /** At the start of a resumed run, among gradients, norms and updates, and at each step of writing a checkpoint. */
    @ParameterizedTest
    @CsvSource({
        "false, 0",
        "false, 20",
        "false, 50",
        "false, 61",
        "false, 75",
        "false, 110",
        "true, 0",
        "true, 1",
        "true, 2",
        "true, 3",
        "true, 4"
    })
    void aRankThatDiesEndsTheRunOnAllAndLeavesTheLastCheckpoint(boolean ofCheckpoints, int exchanges) throws Exception {
        TinyRun run = runs.begunAt(folder.resolve("run"));

        assertThat(killed(run, ofCheckpoints, exchanges)).hasMessage("killed");
        if (exchanges == 75 || exchanges == 2) {
            runs.requirePairFrom(run);
        }
    }
}
