package org.mohawk4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.mohawk4j.train.TinyRanks.assertClose;
import static org.mohawk4j.train.TinyRanks.on;
import static org.mohawk4j.train.TinyRanks.requireNone;
import static org.mohawk4j.train.TinyRanks.stoppedAfter;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.train.checkpoint.CheckpointStore;
import org.mohawk4j.train.checkpoint.Position;
import org.mohawk4j.train.distributed.LocalProcessGroup;
import org.mohawk4j.train.distributed.RankFailedException;
import org.mohawk4j.train.loop.StopSignal;
import org.mohawk4j.train.loop.StoppedException;
import org.mohawk4j.train.loop.TrainingListener;

/** Whole runs on several ranks: stopped, killed, and resumed on another number of them. */
class RanksRunTest {
    private static final Map<String, Object> CHANGES =
            Map.of("accumulate", 1, "checkpoint.every", 2, "faults.compare-ranks", 2);

    @TempDir
    private static Path shared;

    private static TinyRun alone;
    private static TinyRun pair;

    /** Of two ranks, stopped behind its sixth step. */
    private static TinyRun begun;

    @TempDir
    private Path folder;

    @BeforeAll
    static void runUndisturbed() throws Exception {
        alone = new TinyRun(shared.resolve("one"), CHANGES);
        alone.start();
        pair = new TinyRun(shared.resolve("two"), CHANGES);
        requireNone(on(2, pair, false));
        begun = new TinyRun(shared.resolve("begun"), CHANGES);
        stoppedAfter(6, 2, begun, false);
    }

    /** A run as far as {@link #begun}. */
    private TinyRun begun() throws IOException {
        Path copy = TinyRanks.copyOf(begun, folder.resolve("run"));
        return new TinyRun(copy, CHANGES);
    }

    @Test
    void twoRanksMakeTheRunOfOne() throws Exception {
        assertClose(pair, alone, 1e-4);
        assertThat(pair.folder().resolve("student")).isDirectory();
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

        assertClose(run, alone, 1e-4);
    }

    @Test
    void aRunWithDividedParametersGoesOnOnAnotherNumberOfRanks() throws Exception {
        Map<String, Object> changes = new HashMap<>(CHANGES);
        changes.put("shard-parameters", true);
        changes.put("distillation.recompute", true);
        TinyRun run = new TinyRun(folder.resolve("run"), changes);
        stoppedAfter(3, 2, run, false);
        Path newest = new CheckpointStore(run.folder().resolve("checkpoints"))
                .newest()
                .orElseThrow()
                .folder();
        assertThat(newest.resolve("student-00002-of-00002.safetensors")).exists();
        stoppedAfter(3, 4, run, true);

        run.resume();

        assertClose(run, alone, 1e-4);
    }

    @Test
    void anInterruptedRunOfTwoIsBitIdenticalToOneThatWasNot() throws Exception {
        TinyRun run = begun();

        requireNone(on(2, run, true));

        assertThat(run.losses()).isEqualTo(pair.losses());
        assertThat(run.student()).isEqualTo(pair.student());
    }

    @Test
    void eachRankWritesItsMoments() throws Exception {
        Path newest = new CheckpointStore(begun.folder().resolve("checkpoints"))
                .newest()
                .orElseThrow()
                .folder();
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
        TinyRun run = begun();
        CheckpointStore store = new CheckpointStore(run.folder().resolve("checkpoints"));
        Position before = store.newest().orElseThrow().position();

        List<@Nullable Throwable> thrown = LocalProcessGroup.run(
                2,
                group -> run.run(
                        new TinyRanks.Mortal(group, ofCheckpoints, new AtomicInteger(exchanges)),
                        true,
                        new TrainingListener() {},
                        new StopSignal()));

        assertThat(thrown.get(1)).hasMessage("killed");
        assertThat(thrown.get(0))
                .isInstanceOf(RankFailedException.class)
                .hasMessageContaining("rank 1")
                .hasMessageContaining("killed");
        assertThat(store.newest().orElseThrow().position()).isGreaterThanOrEqualTo(before);
        if (exchanges == 75 || exchanges == 2) {
            requireNone(on(2, run, true));
            assertThat(run.losses()).isEqualTo(pair.losses());
            assertThat(run.student()).isEqualTo(pair.student());
        }
    }
}
