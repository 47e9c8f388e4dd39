package org.mohawk4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.tensor.types.HostTensors;
import org.mohawk4j.train.config.StageConfig;
import org.mohawk4j.train.loop.StopSignal;
import org.mohawk4j.train.loop.StoppedException;
import org.mohawk4j.train.loop.TrainingException;
import org.mohawk4j.train.loop.TrainingListener;
import org.mohawk4j.train.metrics.StepMetrics;

/** Runs whose first update in stage 3 spoils the weights, so that all steps behind it are not finite. */
class LostRunTest {
    private static final Map<String, Object> SPOILING = Map.of(
            "lr",
            List.of(1e-3, 1e-3, 1e30),
            "optimizer.clip-norm",
            0.0,
            "schedule.warmup-fraction",
            0.0,
            "checkpoint.every",
            1);

    @TempDir
    private Path folder;

    private TinyRun run;

    @BeforeEach
    void spoil() {
        run = new TinyRun(folder.resolve("run"), SPOILING);
    }

    private List<String> checkpoints() throws IOException {
        try (Stream<Path> files = Files.list(run.folder().resolve("checkpoints"))) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    @Test
    void whatThereIsToGoOnFromIsBeforeTheUpdateThatSpoiltTheWeights() throws IOException {
        assertThatThrownBy(() -> run.start(new PatientListener(), new StopSignal()))
                .isInstanceOf(TrainingException.class)
                .hasMessageContaining(
                        "stage 3, step 4: ",
                        "the checkpoint of stage 3, step 1 is put aside",
                        "the last checkpoint is that of stage 2, step 4");
        assertThat(checkpoints()).containsExactly("not-finite-stage-3-step-00000001", "stage-2-step-00000004");

        assertThatThrownBy(() -> run.resume(new PatientListener(), new StopSignal()))
                .as("nothing has changed")
                .hasMessageContaining("stage 2, step 4");
        assertThat(checkpoints()).containsExactly("not-finite-stage-3-step-00000001", "stage-2-step-00000004");

        ResumedRun slower = ResumedRun.open(run.folder(), Map.of("lr", List.of(1e-3, 1e-3, 1e-3)), true);
        slower.folder().close();
        assertThat(slower.from().orElseThrow().position().toString()).isEqualTo("stage 2, step 4");
        assertThat(slower.config().training().stages())
                .extracting(StageConfig::learningRate)
                .containsOnly(1e-3);
    }

    @Test
    void aStopAmongStepsThatAreNotFiniteGivesNothingUp() throws IOException {
        Map<String, Object> keepingOne = new HashMap<>(SPOILING);
        keepingOne.put("checkpoint.keep", 1);
        run = new TinyRun(folder.resolve("run"), keepingOne);
        StopSignal stop = new StopSignal();
        TrainingListener stopping = new PatientListener() {
            @Override
            public void iterationDone(StepMetrics metrics) {
                super.iterationDone(metrics);
                if (metrics.isFaulty()) {
                    stop.request();
                }
            }
        };

        assertThatThrownBy(() -> run.start(stopping, stop)).isInstanceOf(StoppedException.class);
        assertThat(checkpoints())
                .containsExactly("stage-2-step-00000004", "stage-3-step-00000001", "stage-3-step-00000002");

        assertThatThrownBy(() -> run.resume(new PatientListener(), new StopSignal()))
                .hasMessageContaining("the last checkpoint is that of stage 3, step 1");
        assertThatThrownBy(() -> run.resume(new PatientListener(), new StopSignal()))
                .hasMessageContaining("the last checkpoint is that of stage 2, step 4");
    }

    @Test
    void ofOneCheckpointTheOneBeforeStaysUntilAStepBehindItWasFinite() throws IOException {
        run = new TinyRun(folder.resolve("run"), Map.of("checkpoint.every", 3, "checkpoint.keep", 1));
        TrainingListener ending = new PatientListener() {
            private int taken;

            @Override
            public void iterationDone(StepMetrics metrics) {
                super.iterationDone(metrics);
                if (++taken == 9) {
                    throw new IllegalStateException("ended");
                }
            }
        };

        assertThatThrownBy(() -> run.start(ending, new StopSignal())).hasMessage("ended");

        assertThat(checkpoints()).containsExactly("stage-2-step-00000003");
    }

    @Test
    void aRunWithoutAFiniteStepHasNoStudent() {
        Map<String, Object> two =
                Map.of("split", List.of(0.0, 0.0, 1.0), "tokens", 2 * 64, "student.init", "attention");
        run = new TinyRun(folder.resolve("run"), two).withTeacher(engine -> {
            CausalLm teacher = TinyRun.goldenTeacher(engine);
            Parameter first = teacher.parameters().values().iterator().next();
            double[] spoilt = new double[Math.toIntExact(first.shape().size())];
            Arrays.fill(spoilt, Double.NaN);
            first.set(HostTensors.of(first.shape(), spoilt));
            return teacher;
        });

        assertThatThrownBy(() -> run.start(new PatientListener(), new StopSignal()))
                .isInstanceOf(TrainingException.class)
                .hasMessage("no step had a finite loss and finite gradients; there is no student to save");
        assertThat(run.folder()).doesNotExist();
    }
}
