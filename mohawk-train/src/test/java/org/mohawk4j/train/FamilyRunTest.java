package org.mohawk4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.mixer.SoftmaxAttention;
import org.mohawk4j.models.CausalLmConfig;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.train.loop.StopSignal;
import org.mohawk4j.train.metrics.StepMetrics;

/** Hybrid students of other families go through all three stages, and through an interruption in the last. */
class FamilyRunTest {
    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"gemma2", "olmo2", "phi3-longrope", "qwen3"})
    void aHybridGoesOnWhereItWasInterrupted(String family) throws IOException {
        TinyRun whole = TinyRun.hybridOf(family, folder.resolve("whole"));
        whole.start();
        TinyRun run = TinyRun.hybridOf(family, folder.resolve("run"));
        PatientListener ending = new PatientListener() {
            private int taken;

            @Override
            public void iterationDone(StepMetrics metrics) {
                super.iterationDone(metrics);
                if (++taken == 10) {
                    throw new IllegalStateException("ended");
                }
            }
        };
        assertThatThrownBy(() -> run.start(ending, new StopSignal())).hasMessage("ended");

        run.resume();

        assertThat(whole.losses())
                .hasSize(3 * TinyRun.STEPS)
                .allSatisfy(step -> assertThat(step.loss()).isFinite());
        assertThat(run.losses()).isEqualTo(whole.losses());
        assertThat(run.student()).isEqualTo(whole.student());
        CausalLmConfig student = ModelFolder.config(run.folder().resolve("student"));
        assertThat(student.mixers())
                .hasExactlyElementsOfTypes(
                        DiscreteMamba2.Config.class, SoftmaxAttention.Config.class, DiscreteMamba2.Config.class);
    }
}
