package org.mohawk4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.train.checkpoint.Checkpoint;
import org.mohawk4j.train.checkpoint.CheckpointStore;
import org.mohawk4j.train.config.DistillConfigYaml;
import org.mohawk4j.train.loop.StopSignal;
import org.mohawk4j.train.loop.StoppedException;
import org.mohawk4j.train.loop.TrainingListener;
import org.mohawk4j.train.metrics.StepMetrics;
import org.mohawk4j.train.report.RunResult;
import org.mohawk4j.train.run.RunFolder;

class ResumeTest {
    @TempDir
    private static Path shared;

    private static TinyRun undisturbed;

    @TempDir
    private Path folder;

    @BeforeAll
    static void runWithoutInterruption() throws IOException {
        undisturbed = new TinyRun(shared.resolve("run"), Map.of("report", true));
        undisturbed.start();
    }

    /** Ends a run as an exception from outside does, after the metrics of a step are written and before its checkpoint. */
    private static final class EndAfter extends PatientListener {
        private int left;

        EndAfter(int steps) {
            left = steps;
        }

        @Override
        public void iterationDone(StepMetrics metrics) {
            super.iterationDone(metrics);
            if (--left == 0) {
                throw new IllegalStateException("ended");
            }
        }
    }

    /** The finished run in a folder that a test may change. */
    private TinyRun finished() throws IOException {
        TinyRun copy = new TinyRun(folder.resolve("run"), Map.of("report", true));
        try (Stream<Path> files = Files.walk(undisturbed.folder())) {
            for (Path file : (Iterable<Path>) files::iterator) {
                Files.copy(file, copy.folder().resolve(undisturbed.folder().relativize(file)));
            }
        }
        return copy;
    }

    private static void assertSame(TinyRun run) throws IOException {
        assertThat(run.losses()).isEqualTo(undisturbed.losses());
        assertThat(run.student()).isEqualTo(undisturbed.student());
    }

    /** Ended before its first checkpoint, behind it in each stage, and behind the last; its report shows the whole run. */
    @ParameterizedTest
    @CsvSource({"2, true", "4, false", "7, true", "11, true", "12, false"})
    void aRunThatGoesOnIsTheRunThatWasNeverInterrupted(int steps, boolean report) throws IOException {
        TinyRun run = new TinyRun(folder.resolve("run"), Map.of("report", report));
        assertThatThrownBy(() -> run.start(new EndAfter(steps), new StopSignal()))
                .hasMessage("ended");
        assertThat(run.folder().resolve("student")).doesNotExist();

        RunResult result = run.resume();

        assertSame(run);
        assertThat(result.stages()).extracting("steps").containsExactly(4, 4, 4);
        if (report) {
            assertSameReport(run, undisturbed);
        }
    }

    private static void assertSameReport(TinyRun run, TinyRun whole) {
        assertThat(run.folder().resolve("report/matrices-layer-1.png"))
                .hasSameBinaryContentAs(whole.folder().resolve("report/matrices-layer-1.png"));
        assertThat(run.folder().resolve("report/loss-stage-1.png"))
                .hasSameBinaryContentAs(whole.folder().resolve("report/loss-stage-1.png"));
    }

    @Test
    void aHybridWithATiedHeadGoesOnLikeAnyOther() throws IOException {
        TinyRun whole = TinyRun.hybridOfLlama(folder.resolve("whole"));
        whole.start();
        TinyRun run = TinyRun.hybridOfLlama(folder.resolve("run"));
        assertThatThrownBy(() -> run.start(new EndAfter(10), new StopSignal())).hasMessage("ended");
        Checkpoint saved = new CheckpointStore(run.folder().resolve("checkpoints"))
                .newest()
                .orElseThrow();
        assertThat(saved.tensors("student.safetensors"))
                .containsKey("embedding.weight")
                .doesNotContainKey("lm_head.weight");

        run.resume();

        assertThat(run.losses()).isEqualTo(whole.losses());
        assertThat(run.student()).isEqualTo(whole.student());
    }

    @Test
    void aRunWithParameterGroupsGoesOnTheSame() throws IOException {
        Map<String, Object> changes =
                Map.of("optimizer.lr-factor", List.of("*.mixer.in_proj.weight[z]=20", "*.mixer.D=5", "*.mixer.*=0.5"));
        TinyRun whole = new TinyRun(folder.resolve("whole"), changes);
        whole.start();
        TinyRun run = new TinyRun(folder.resolve("run"), changes);
        assertThatThrownBy(() -> run.start(new EndAfter(10), new StopSignal())).hasMessage("ended");

        run.resume();

        assertThat(run.losses()).isEqualTo(whole.losses()).isNotEqualTo(undisturbed.losses());
        assertThat(run.student()).isEqualTo(whole.student());
        assertThatThrownBy(() -> ResumedRun.open(
                        run.folder(), Map.of("optimizer.lr-factor", List.of("*.mixer.D=6"), "tokens", 2000), false))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("optimizer.groups was [{");
    }

    @Test
    void theReportShowsAnotherStartOfTheStudentToo() throws IOException {
        Map<String, Object> changes = Map.of("report", true, "student.init", "attention");
        TinyRun whole = new TinyRun(folder.resolve("whole"), changes);
        whole.start();
        TinyRun run = new TinyRun(folder.resolve("run"), changes);
        assertThatThrownBy(() -> run.start(new EndAfter(11), new StopSignal())).hasMessage("ended");

        run.resume();

        assertThat(run.losses()).isEqualTo(whole.losses()).isNotEqualTo(undisturbed.losses());
        assertThat(run.student()).isEqualTo(whole.student());
        assertSameReport(run, whole);
    }

    @Test
    void aRunMayBeInterruptedAgainAndAgain() throws IOException {
        TinyRun run = new TinyRun(folder.resolve("run"), Map.of("checkpoint.every", 1));
        assertThatThrownBy(() -> run.start(new EndAfter(3), new StopSignal())).hasMessage("ended");
        for (int i = 0; i < 4; i++) {
            assertThatThrownBy(() -> run.resume(new EndAfter(3), new StopSignal()))
                    .hasMessage("ended");
        }

        run.resume();

        assertSame(run);
    }

    @Test
    void aRunThatIsAskedToStopSavesFirst() throws IOException {
        TinyRun run = new TinyRun(folder.resolve("run"), Map.of("checkpoint.every", 0, "checkpoint.minutes", 0));
        StopSignal stop = new StopSignal();
        assertThatThrownBy(() -> run.start(stopAt(6, stop), stop))
                .isInstanceOf(StoppedException.class)
                .hasMessage("stopped at stage 2, step 2")
                .extracting(stopped -> ((StoppedException) stopped).isSaved())
                .isEqualTo(true);
        assertThat(run.folder().resolve("checkpoints")).isDirectoryContaining("glob:**/stage-2-step-00000002");

        assertThat(run.losses()).hasSize(6);
        run.resume(new EndAfter(100), new StopSignal());

        assertSame(run);
    }

    private static TrainingListener stopAt(int step, StopSignal stop) {
        return new TrainingListener() {
            private int taken;

            @Override
            public void iterationDone(StepMetrics metrics) {
                if (++taken == step) {
                    stop.request();
                }
            }
        };
    }

    /** Ten steps of twelve windows from a text of 56: in its fifth step a pass ends, and windows come again. */
    @ParameterizedTest
    @ValueSource(ints = {0, 5})
    void aRunThatKeepsWhatItsTeacherComputesGoesOnTheSame(int topK) throws IOException {
        Map<String, Object> changes =
                new LinkedHashMap<>(Map.of("tokens", 10 * 12 * 16, "batch", 12, "checkpoint.every", 2));
        changes.put("distillation.top-k", topK);
        changes.put("distillation.hard-label-share", 0.25);
        TinyRun without = new TinyRun(folder.resolve("without"), changes);
        without.start();
        changes.put("data.teacher-cache", folder.resolve("whole.cache"));
        TinyRun whole = new TinyRun(folder.resolve("whole"), changes);
        whole.start();
        changes.put("data.teacher-cache", folder.resolve("run.cache"));
        TinyRun run = new TinyRun(folder.resolve("run"), changes);
        for (int steps : new int[] {5, 4}) {
            assertThatThrownBy(() -> {
                        if (Files.exists(run.folder())) {
                            run.resume(new EndAfter(steps), new StopSignal());
                        } else {
                            run.start(new EndAfter(steps), new StopSignal());
                        }
                    })
                    .hasMessage("ended");
        }

        run.resume();

        assertThat(run.losses()).isEqualTo(whole.losses()).isEqualTo(without.losses());
        assertThat(run.student()).isEqualTo(whole.student()).isEqualTo(without.student());
        assertThat(folder.resolve("run.cache")).hasSameBinaryContentAs(folder.resolve("whole.cache"));
    }

    @Test
    void aFinishedRunIsEvaluatedAgain() throws IOException {
        TinyRun run = finished();

        run.resume(new EndAfter(1), new StopSignal());

        assertSame(run);
    }

    @Test
    void changesAreToldAndRefusedUnlessAccepted() throws IOException {
        TinyRun run = new TinyRun(folder.resolve("run"), Map.of());
        assertThatThrownBy(() -> run.start(new EndAfter(5), new StopSignal())).hasMessage("ended");

        assertThatThrownBy(() -> ResumedRun.open(run.folder(), Map.of("lr", List.of(1, 1, 1)), false))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("found changes: stages[0].learning-rate was 2.0E-4, is 1.0;"
                        + " stages[1].learning-rate was 2.0E-4, is 1.0;"
                        + " stages[2].learning-rate was 2.0E-4, is 1.0");

        Path config = run.folder().resolve("config.yaml");
        String written = Files.readString(config);
        ResumedRun.open(run.folder(), Map.of("seed", 3), true).folder().close();
        assertThat(config).as("until nothing can be refused any more").hasContent(written);

        assertThat(written).contains("seed: 0");
        Files.writeString(config, written.replace("seed: 0", "seed: 3"));
        assertThatThrownBy(run::resume)
                .as("compared with what the checkpoint was saved under")
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("seed was 0, is 3");
    }

    @Test
    void whatAFinishedRunWasTrainedWithDoesNotChangeAnyMore() throws IOException {
        TinyRun run = finished();

        for (Map<String, ?> changes : List.of(Map.of("batch", 2), Map.of("batch", 8), Map.of("tokens", 200))) {
            assertThatThrownBy(() -> ResumedRun.open(run.folder(), changes, true))
                    .isInstanceOf(InvalidInputException.class)
                    .hasMessageContaining("expected steps left to take with changes, found all taken, and changes: "
                            + changes.keySet().iterator().next() + " was");
        }
        assertThat(DistillConfigYaml.read(run.folder().resolve("config.yaml"))).isEqualTo(run.config());
        ResumedRun.open(run.folder(), Map.of("evaluation.windows", 2), true)
                .folder()
                .close();
        ResumedRun.open(run.folder(), Map.of("tokens", 2000), true).folder().close();
    }

    /** A short run has no checkpoint: what {@code student/} has is all there is of it. */
    @Test
    void aRefusedResumeOfAFinishedRunWithoutCheckpointsLeavesItsStudent() throws IOException {
        TinyRun run = new TinyRun(folder.resolve("run"), Map.of("checkpoint.every", 0));
        run.start();
        assertThat(run.folder().resolve("checkpoints")).doesNotExist();
        byte[] student = run.student();
        String config = Files.readString(run.folder().resolve("config.yaml"));

        // trained anew, with what is accepted, but a part of it cannot be trained
        ResumedRun anew = ResumedRun.open(run.folder(), Map.of("freeze", List.of("nosuch.*")), true);
        try (RunFolder open = anew.folder()) {
            assertThatThrownBy(() ->
                            run.run(anew.config(), open, anew.from(), new TrainingListener() {}, new StopSignal()))
                    .isInstanceOf(InvalidInputException.class)
                    .hasMessageContaining("nosuch.*");
        }

        assertThat(run.student()).isEqualTo(student);
        assertThat(run.folder().resolve("config.yaml")).hasContent(config);
        run.resume();
    }

    @Test
    void aDamagedCheckpointCostsTheStepsSinceTheOneBefore() throws IOException {
        TinyRun run = new TinyRun(folder.resolve("run"), Map.of("checkpoint.every", 2, "checkpoint.keep", 3));
        assertThatThrownBy(() -> run.start(new EndAfter(7), new StopSignal())).hasMessage("ended");
        Path newest;
        // its step is 2, or 3 where a disk was slow: a checkpoint waits for the one before
        try (Stream<Path> checkpoints = Files.list(run.folder().resolve("checkpoints"))) {
            newest = checkpoints.max(Comparator.naturalOrder()).orElseThrow().resolve("student.safetensors");
        }
        byte[] bytes = Files.readAllBytes(newest);
        bytes[bytes.length / 2] ^= 4;
        Files.write(newest, bytes);

        run.resume();

        assertSame(run);
    }
}
