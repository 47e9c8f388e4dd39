package org.mohawk4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.CausalLmConfig;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.train.config.DistillConfigYaml;
import org.mohawk4j.train.loop.StopSignal;
import org.mohawk4j.train.loop.TrainingListener;
import org.mohawk4j.train.metrics.StepMetrics;
import org.mohawk4j.train.report.LossHistory;
import org.mohawk4j.train.report.RunResult;
import org.mohawk4j.train.run.RunFolder;

/** Evaluation, samples and report are for those who look at a run: they cost it neither its student nor its scores. */
class BestEffortTest {
    private static final Map<String, ?> STAGES_2_AND_3 =
            Map.of("report", true, "split", List.of(0.0, 0.5, 0.5), "checkpoint.every", 0);

    @TempDir
    private Path folder;

    private TinyRun run(Map<String, ?> changes) {
        return new TinyRun(folder.resolve("run"), changes);
    }

    /** Fails the run if a step is taken. */
    private static final class NoStep implements TrainingListener {
        @Override
        public void iterationDone(StepMetrics metrics) {
            throw new AssertionError("trained again: stage " + metrics.stage() + ", step " + metrics.step());
        }
    }

    private static void assertSameScore(RunResult one, RunResult other) {
        assertThat(one.student().nllPerToken()).isEqualTo(other.student().nllPerToken());
        assertThat(one.teacher().nllPerToken()).isEqualTo(other.teacher().nllPerToken());
        assertThat(one.stages()).extracting("steps").isEqualTo(List.of(6, 6));
    }

    @Test
    void aStudentOfAnotherHeadCountIsReportedAndNotTrainedAgain() throws IOException {
        TinyRun run = run(STAGES_2_AND_3).withMixer(own -> new DiscreteMamba2.Config(own.width(), 2, 2, 16, 4, 16));

        RunResult result = run.start();

        assertThat(run.folder().resolve("report/index.html")).isRegularFile();
        assertThat(run.folder().resolve("report/matrices-layer-1.png")).isRegularFile();
        byte[] student = run.student();
        List<StepMetrics> losses = run.losses();
        assertSameScore(run.resume(new NoStep(), new StopSignal()), result);
        assertThat(run.student()).isEqualTo(student);
        assertThat(run.losses()).isEqualTo(losses);
    }

    @Test
    void aTokenizerThatFailsCostsTheSamplesAlone() throws IOException {
        TinyRun run = run(STAGES_2_AND_3).withSamples().withTokenizer(new TinyRun.Numbers() {
            @Override
            public String decode(int... ids) {
                throw new NoClassDefFoundError("no decoder");
            }
        });

        RunResult result = run.start();

        assertThat(result.samples()).isEmpty();
        assertThat(result.student().nllPerToken()).isFinite();
        assertThat(run.folder().resolve("report/index.html")).isRegularFile();
    }

    @Test
    void aRunThatIsKilledWhileItEvaluatesIsEvaluatedAgainWithoutTraining() throws IOException {
        TinyRun run = run(STAGES_2_AND_3);
        TrainingListener killer = new TrainingListener() {
            @Override
            public void onEvaluated(RunResult result) {
                throw new IllegalStateException("killed");
            }
        };
        assertThatThrownBy(() -> run.start(killer, new StopSignal())).hasMessage("killed");

        assertSameScore(run.resume(new NoStep(), new StopSignal()), run.resume(new NoStep(), new StopSignal()));
    }

    @Test
    void aStudentOfAnotherConfigurationIsTrainedAnew() throws IOException {
        TinyRun run = run(STAGES_2_AND_3);
        run.start();
        byte[] student = run.student();

        ResumedRun anew = ResumedRun.open(run.folder(), Map.of("seed", 3L), true);
        try (RunFolder open = anew.folder()) {
            run.run(anew.config(), open, anew.from(), new TrainingListener() {}, new StopSignal());
        }

        assertThat(run.student()).isNotEqualTo(student);
        assertThat(DistillConfigYaml.read(run.folder().resolve("config.yaml"))
                        .training()
                        .seed())
                .isEqualTo(3);
    }

    @Test
    void lossesAreOfTheLayersThatAreAligned() throws IOException {
        TinyRun run = run(Map.of("keep-attention", List.of(1), "report", true, "checkpoint.every", 0))
                .withTeacher(BestEffortTest::four);

        run.start();

        LossHistory history = LossHistory.read(run.folder().resolve("metrics.jsonl"), List.of());
        assertThat(history.layerNames(1)).containsExactly("layer 0", "layer 2", "layer 3");
        assertThat(history.layerNames(2)).containsExactly("layer 0", "layer 2", "layer 3");
        assertThat(history.layerNames(3)).isEmpty();
        assertThat(Files.readString(run.folder().resolve("metrics.jsonl"))).contains("\"layers\":[0,2,3]");
    }

    private static CausalLm four(Engine engine) {
        CausalLmConfig golden = TinyRun.golden();
        return new CausalLm(
                engine, golden.withMixers(Collections.nCopies(4, golden.mixers().get(0))), new SplittableRandom(1));
    }
}
