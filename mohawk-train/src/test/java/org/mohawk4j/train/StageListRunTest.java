package org.mohawk4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.config.DistillConfigYaml;
import org.mohawk4j.train.loop.StopSignal;
import org.mohawk4j.train.loop.TrainingListener;
import org.mohawk4j.train.metrics.MetricsReader;
import org.mohawk4j.train.metrics.StepMetrics;
import org.mohawk4j.train.report.RunResult;
import org.mohawk4j.train.run.RunFolder;

/** Runs of other stages than the three of the paper. */
class StageListRunTest {
    /** Layers are aligned twice; then the mixers alone are distilled in longer windows; then all of it in the shorter ones. */
    private static final Map<String, Object> STAGES = Map.of(
            "stages",
            List.of(
                    Map.of("objective", "hidden-state-alignment", "tokens", 256, "learning-rate", 3e-3),
                    Map.of("objective", "hidden-state-alignment", "tokens", 256, "learning-rate", 1e-3),
                    Map.of(
                            "objective",
                            "knowledge-distillation",
                            "tokens",
                            256,
                            "batch",
                            2,
                            "context",
                            32,
                            "schedule",
                            Map.of("kind", "cosine"),
                            "trainable",
                            List.of("*.mixer.*")),
                    Map.of("objective", "knowledge-distillation", "tokens", 256)));

    @TempDir
    private static Path shared;

    private static TinyRun undisturbed;
    private static RunResult result;
    private static final Map<Integer, List<String>> TRAINED = new LinkedHashMap<>();

    @TempDir
    private Path folder;

    @BeforeAll
    static void runWithoutInterruption() throws IOException {
        undisturbed = new TinyRun(shared.resolve("run"), STAGES);
        result = undisturbed.start(
                new TrainingListener() {
                    @Override
                    public void onGradientCalculation(
                            int stage, int step, Map<String, Parameter> trained, Map<String, Tensor> gradients) {
                        TRAINED.put(stage, List.copyOf(trained.keySet()));
                    }
                },
                new StopSignal());
    }

    @Test
    void eachStageHasItsOwnObjectiveShapeAndLearningRate() {
        assertThat(result.stages()).extracting("stage").containsExactly(1, 2, 3, 4);
        assertThat(result.stages())
                .extracting("name")
                .containsExactly(
                        "hidden-state alignment",
                        "hidden-state alignment",
                        "knowledge distillation",
                        "knowledge distillation");
        assertThat(result.stages()).extracting("steps").containsExactly(4, 4, 4, 4);
        assertThat(result.stages()).extracting("tokens").containsExactly(256L, 256L, 256L, 256L);
        assertThat(undisturbed.losses().stream().map(StepMetrics::learningRate))
                .contains(3e-3, 1e-3)
                .doesNotContain(2e-3);
    }

    @Test
    void aStageTrainsWhatItSays() {
        assertThat(TRAINED.get(3)).isNotEmpty().allMatch(name -> name.contains(".mixer."));
        assertThat(TRAINED.get(4))
                .contains("embedding.weight")
                .hasSizeGreaterThan(TRAINED.get(3).size());
    }

    /** Within a stage, between two of one shape, and on both sides of another shape. */
    @ParameterizedTest
    @ValueSource(ints = {2, 5, 8, 10, 13, 16})
    void aRunThatGoesOnIsTheRunThatWasNeverInterrupted(int steps) throws IOException {
        TinyRun run = new TinyRun(folder.resolve("run"), STAGES);
        List<Integer> taken = new ArrayList<>();
        assertThatThrownBy(() -> run.start(
                        new PatientListener() {
                            @Override
                            public void iterationDone(StepMetrics metrics) {
                                super.iterationDone(metrics);
                                taken.add(metrics.step());
                                if (taken.size() == steps) {
                                    throw new IllegalStateException("ended");
                                }
                            }
                        },
                        new StopSignal()))
                .hasMessage("ended");

        run.resume();

        assertThat(run.losses()).isEqualTo(undisturbed.losses());
        assertThat(run.student()).isEqualTo(undisturbed.student());
    }

    @Test
    void windowsThatTheTeacherOrTheTextDoesNotHaveAreRefusedBeforeTraining() {
        assertThatThrownBy(() ->
                        distilling(Map.of("context", 4096, "tokens", 65_536)).start())
                .isInstanceOf(InvalidInputException.class)
                .hasMessageMatching("stages\\[0]\\.context: expected at most \\d+, the teacher's positions, got 4096");
        assertThatThrownBy(() ->
                        distilling(Map.of("trainable", List.of("*.mixr.*"))).start())
                .isInstanceOf(InvalidInputException.class)
                .hasMessageMatching("stages\\[0]\\.trainable: expected names of the student's parameters, such as"
                        + " \\S+, found none for \\*\\.mixr\\.\\*");
        TinyRun unknown =
                new TinyRun(folder.resolve("run"), Map.of("optimizer.lr-factor", List.of("*.D=2", "*.weight[dt]=2")));
        assertThatThrownBy(unknown::start)
                .isInstanceOf(InvalidInputException.class)
                .hasMessageMatching("optimizer\\.groups\\[1]\\.parameters: expected names of the student's parameters,"
                        + " such as \\S+, found none for \\*\\.weight\\[dt]");
        assertThatThrownBy(() -> distilling(Map.of("objective", "matrix-orientation", "trainable", List.of("lm_head*")))
                        .start())
                .isInstanceOf(InvalidInputException.class)
                .hasMessageStartingWith("stages[0].trainable: matrix orientation has nothing to train");
        assertThat(folder.resolve("run")).doesNotExist();
    }

    private TinyRun distilling(Map<String, ?> more) {
        Map<String, Object> stage = new LinkedHashMap<>(Map.of("objective", "knowledge-distillation"));
        stage.putAll(more);
        return new TinyRun(folder.resolve("run"), Map.of("stages", List.of(stage)));
    }

    /** Where the held-out loss is measured, in the decay that follows, and in the next stage, which has the steps left. */
    @Test
    void aStageThatEndsByItsHeldOutLossLeavesItsTokensToTheNextInterruptedOrNot() throws IOException {
        Map<String, Object> values = Map.of(
                "stages",
                List.of(
                        Map.of("objective", "hidden-state-alignment", "tokens", "auto", "share", 0.5),
                        Map.of("objective", "knowledge-distillation", "tokens", "auto", "share", 0.5)),
                "tokens",
                20 * 64,
                "auto-tokens",
                Map.of("share", 0.1, "improvement", 1, "windows", 2),
                "schedule.decay-fraction",
                0.1,
                "checkpoint.every",
                2);
        TinyRun whole = new TinyRun(folder.resolve("whole"), values);

        RunResult ended = whole.start();

        // measured after steps 1 to 4, with a decay of one step; then after 3, 5, 7 and 9 of 15, rounded to even steps
        assertThat(ended.stages()).extracting("steps").containsExactly(5, 10);
        List<StepMetrics> metrics = MetricsReader.read(whole.folder().resolve("metrics.jsonl"));
        assertThat(metrics.get(3).extra()).containsEntry("ends_at_step", 5).containsEntry("saved_steps", 5);
        assertThat(metrics.stream().filter(step -> step.extra().containsKey("held_out_loss")))
                .hasSize(8);
        for (int steps : List.of(4, 11)) {
            TinyRun run = new TinyRun(folder.resolve("run" + steps), values);
            List<Integer> taken = new ArrayList<>();
            assertThatThrownBy(() -> run.start(
                            new PatientListener() {
                                @Override
                                public void iterationDone(StepMetrics step) {
                                    super.iterationDone(step);
                                    taken.add(step.step());
                                    if (taken.size() == steps) {
                                        throw new IllegalStateException("ended");
                                    }
                                }
                            },
                            new StopSignal()))
                    .hasMessage("ended");
            run.resume();
            assertThat(run.losses()).isEqualTo(whole.losses());
            assertThat(run.student()).isEqualTo(whole.student());
        }
        assertThatThrownBy(() -> ResumedRun.open(whole.folder(), Map.of("batch", 8), true))
                .hasMessageContaining("found all taken");
    }

    @Test
    void moreTokensForAStageGoOnWithAFinishedRun() throws IOException {
        Map<String, Object> stage = new LinkedHashMap<>(Map.of("objective", "knowledge-distillation", "tokens", 256));
        TinyRun run = new TinyRun(folder.resolve("run"), Map.of("stages", List.of(stage)));
        run.start();
        stage.put("learning-rate", 0.5);
        assertThatThrownBy(() -> ResumedRun.open(run.folder(), Map.of("stages", List.of(stage)), true))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("found all taken, and changes: stages[0].learning-rate was 2.0E-4, is 0.5");
        stage.put("learning-rate", 1e-3);
        stage.put("tokens", 384);
        ResumedRun more = ResumedRun.open(run.folder(), Map.of("stages", List.of(stage)), true);
        try (RunFolder open = more.folder()) {
            run.run(more.config(), open, more.from(), new TrainingListener() {}, new StopSignal());
        }
        DistillConfig written = DistillConfigYaml.read(run.folder().resolve("config.yaml"));
        assertThat(written.training().stages().get(0).tokens()).contains(384L);
    }
}
