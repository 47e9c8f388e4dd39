package org.mohawk4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.mohawk4j.train.TinyRanks.assertClose;
import static org.mohawk4j.train.TinyRanks.assertSame;
import static org.mohawk4j.train.TinyRanks.killed;
import static org.mohawk4j.train.TinyRanks.newest;
import static org.mohawk4j.train.TinyRanks.on;
import static org.mohawk4j.train.TinyRanks.requireNone;
import static org.mohawk4j.train.TinyRanks.stoppedAfter;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.train.checkpoint.Checkpoint;
import org.mohawk4j.train.checkpoint.Position;
import org.mohawk4j.train.distributed.LocalProcessGroup;
import org.mohawk4j.train.loop.StopSignal;
import org.mohawk4j.train.loop.StoppedException;
import org.mohawk4j.train.loop.TrainingListener;
import org.mohawk4j.train.metrics.StepMetrics;

/** Whole runs whose ranks divide the layers of stages 1 and 2, and the batches of stage 3. */
class LayerParallelRunTest {
    private static final Map<String, Object> CHANGES = Map.of("parallelism", "layer", "checkpoint.every", 2);

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
    void twoRanksMakeTheRunOfOne() {
        assertClose(runs.pair(), runs.alone(), 1e-4);
        assertThat(runs.pair().losses())
                .allSatisfy(step -> assertThat(step.layerLosses())
                        .hasSize(step.position().stage() < 3 ? 3 : 0)
                        .doesNotContain(0.0));
        assertThat(runs.pair().folder().resolve("student")).isDirectory();
    }

    @Test
    void eachRankWritesItsLayersAndTheirMoments() {
        Checkpoint checkpoint = newest(runs.begun());
        assertThat(checkpoint.position()).isEqualTo(new Position(2, 3));
        Set<String> ofFirst =
                checkpoint.numbers("student-00001-of-00002.safetensors").keySet();
        Set<String> ofSecond =
                checkpoint.numbers("student-00002-of-00002.safetensors").keySet();
        assertThat(ofFirst).isNotEmpty().allMatch(name -> name.matches("layers\\.[01]\\..*"));
        assertThat(ofSecond).isNotEmpty().allMatch(name -> name.matches("layers\\.2\\..*"));
        assertThat(checkpoint.numbers("student.safetensors").keySet())
                .contains("embedding.weight")
                .noneMatch(name -> name.startsWith("layers."))
                .doesNotContainAnyElementsOf(ofFirst)
                .doesNotContainAnyElementsOf(ofSecond);
        assertThat(checkpoint.numbers("optimizer-00002-of-00002.safetensors").keySet())
                .isNotEmpty()
                .allMatch(name -> name.startsWith("layers.2."));
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 6})
    void anInterruptedRunOfTwoIsBitIdenticalToOneThatWasNot(int steps) throws Exception {
        TinyRun run = new TinyRun(folder.resolve("run"), CHANGES);
        stoppedAfter(steps, 2, run, false);

        runs.requirePairFrom(run);
    }

    @Test
    void aRunGoesOnOnAnotherNumberOfRanksInTheMiddleOfAStage() throws Exception {
        TinyRun run = new TinyRun(folder.resolve("run"), CHANGES);
        boolean resumed = false;
        for (int ranks : new int[] {2, 1, 2, 1}) {
            assertThat(stoppedAfter(2, ranks, run, resumed))
                    .allSatisfy(end -> assertThat(end).isInstanceOf(StoppedException.class));
            resumed = true;
        }

        requireNone(on(2, run, true));

        assertClose(run, runs.alone(), 1e-4);
    }

    /** A batch of four has equal shares for two ranks, but not for three. */
    @Test
    @Tag("slow")
    void autoDividesLayersWhereABatchHasNoEqualShares() throws Exception {
        Map<String, Object> changes = Map.of("parallelism", "auto", "split", List.of(0.5, 0.5, 0), "accumulate", 1);
        TinyRun expected = new TinyRun(folder.resolve("one"), changes);
        expected.start();
        TinyRun run = new TinyRun(folder.resolve("run"), changes);
        stoppedAfter(2, 2, run, false);
        assertThat(newest(run).folder().resolve("student-00001-of-00002.safetensors"))
                .doesNotExist();
        stoppedAfter(2, 3, run, true);
        assertThat(newest(run).folder().resolve("student-00003-of-00003.safetensors"))
                .exists();

        requireNone(on(2, run, true));

        assertClose(run, expected, 1e-4);
    }

    @Test
    @Tag("slow")
    void aSpikeGoesBackToTheLastCheckpointOnAllRanksInterruptedOrNot() throws Exception {
        Map<String, Object> changes = new HashMap<>(CHANGES);
        changes.put("split", List.of(0, 1, 0));
        changes.put("tokens", 40 * 4 * 16);
        changes.put("checkpoint.every", 5);
        changes.put("lr", List.of(1e-7, 1e-7, 1e-7));
        changes.put("student.init", "attention");
        changes.put("faults.spike-threshold", 1);
        changes.put("faults.on-spike", "roll-back");
        TinyRun whole = new TinyRun(folder.resolve("whole"), changes);
        requireNone(on(2, whole, false));
        assertThat(whole.folder().resolve("faults.jsonl")).content().contains("rolled back to stage 2, step ");
        TinyRun run = new TinyRun(folder.resolve("run"), changes);
        AtomicInteger left = new AtomicInteger(36);
        // not by a signal: what that saves would be gone back to
        TrainingListener ending = new TrainingListener() {
            @Override
            public void iterationDone(StepMetrics metrics) {
                if (left.decrementAndGet() == 0) {
                    throw new IllegalStateException("ended");
                }
            }
        };
        assertThat(LocalProcessGroup.run(2, group -> run.run(group, false, ending, new StopSignal())))
                .doesNotContainNull();

        requireNone(on(2, run, true));

        assertSame(run, whole);
    }

    @Test
    @Tag("slow")
    void aTeacherCacheServesTheStagesThatDivideBatches() throws Exception {
        Path cache = folder.resolve("cache");
        Path ofFirst = folder.resolve("cache.rank-0-of-2");
        Map<String, Object> changes = new HashMap<>(CHANGES);
        changes.put("data.teacher-cache", cache.toString());
        TinyRun run = new TinyRun(folder.resolve("run"), changes);
        requireNone(on(2, run, false));
        assertSame(run, runs.pair());
        // the last states of at most eight windows of 16 tokens, of width 32
        assertThat(Files.size(ofFirst)).isBetween(8 * 16 * 32 * 4L, 2 * 8 * 16 * 32 * 4L);
        Files.delete(ofFirst);

        changes.put("split", List.of(0.5, 0.5, 0));
        requireNone(on(2, new TinyRun(folder.resolve("layers"), changes), false));

        assertThat(ofFirst).doesNotExist();
    }

    @Test
    @Tag("slow")
    void ranksMeasureTheHeldOutLossOfAllLayersTogether() throws Exception {
        Map<String, Object> changes = new HashMap<>(CHANGES);
        changes.put(
                "stages",
                List.of(
                        Map.of("objective", "hidden-state-alignment", "tokens", "auto", "share", 0.5),
                        Map.of("objective", "matrix-orientation", "tokens", "auto", "share", 0.5)));
        changes.put("auto-tokens", Map.of("share", 0.2, "improvement", 0.002, "windows", 3));
        changes.put("schedule.warmup-fraction", 0);
        TinyRun expected = new TinyRun(folder.resolve("one"), changes);
        expected.start();
        TinyRun run = new TinyRun(folder.resolve("two"), changes);

        requireNone(on(2, run, false));

        assertClose(run, expected, 1e-4);
    }

    @Test
    void fewerLayersThanRanksAreRefusedOnAllRanksBeforeATextIsRead() throws Exception {
        Map<String, Object> changes = new HashMap<>(CHANGES);
        changes.put("keep-attention", List.of(1, 2));
        changes.put("student.init", "calibrated");
        TinyRun run = new TinyRun(folder.resolve("run"), changes).withText((context, batch, seed) -> {
            throw new IllegalStateException("the text is read");
        });

        List<@Nullable Throwable> thrown = on(2, run, false);

        assertThat(thrown)
                .allSatisfy(refusal -> assertThat(refusal)
                        .isInstanceOf(InvalidInputException.class)
                        .hasMessage(
                                "stages[0]: parallelism: expected at least 2 layers to train for layer parallelism of 2"
                                        + " ranks, found 1"));
        assertThat(run.folder().resolve("config.yaml")).doesNotExist();
    }

    /** In the pipeline, at a step's sum, when a checkpoint is written, and when the layers are given to all. */
    @ParameterizedTest
    @CsvSource({
        "false, 43, HiddenStatePipeline.next",
        "false, 44, HiddenStatePipeline.next",
        "false, 45, RankedParallelism.totals",
        "false, 49, LayerParallel.unshard",
        "false, 60, LayerParallel.unshard",
        "true, 0, CheckpointWriter.await",
        "true, 2, CheckpointWriter.write"
    })
    void aRankThatDiesEndsTheRunOnAllAndLeavesTheLastCheckpoint(boolean ofCheckpoints, int exchanges, String place)
            throws Exception {
        TinyRun run = runs.begunAt(folder.resolve("run"));

        assertThat(killed(run, ofCheckpoints, exchanges)).hasMessage("killed").hasStackTraceContaining(place);
        if (exchanges == 44 || exchanges == 60 || exchanges == 2) {
            runs.requirePairFrom(run);
        }
    }
}
