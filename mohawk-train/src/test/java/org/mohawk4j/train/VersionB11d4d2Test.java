package org.mohawk4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.data.TokenWindows;
import org.mohawk4j.eval.Perplexity;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.MixerInit;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.config.DistillConfigYaml;
import org.mohawk4j.train.config.StudentConfig;
import org.mohawk4j.train.metrics.MetricsReader;
import org.mohawk4j.train.metrics.StepMetrics;

/**
 * What version b11d4d2 wrote is read: a configuration; the student of a whole {@link TinyRun}; and the folder of the same
 * run, ended after its ninth step, whose newest checkpoint is that of stage 2, step 3.
 */
class VersionB11d4d2Test {
    /** What that version printed for its student. */
    private static final double NLL = 5.451968193054199;

    @TempDir
    private Path folder;

    private static Path written(String name) {
        try {
            return Path.of(Objects.requireNonNull(VersionB11d4d2Test.class.getResource("b11d4d2/" + name), name)
                    .toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void aStudentHasTheScoreItHad() {
        try (Engine engine = Engine.open("nd4j", BackendOptions.defaults().withThreads(1));
                CausalLm student = ModelFolder.load(engine, written("student"))) {
            assertThat(student.config().mixers())
                    .containsOnly(new DiscreteMamba2.Config(32, 4, 4, 16, 4, 16))
                    .hasSize(3);
            assertThat(Perplexity.of(student, new TokenWindows(TinyRun.tokens(2, 40), 16), 1)
                            .nllPerToken())
                    .isCloseTo(NLL, within(1e-6));
        }
    }

    @Test
    void aConfigurationMeansWhatItMeant() {
        DistillConfig expected = DistillConfig.defaults()
                .with(Map.of(
                        "teacher",
                        Path.of("models/phi"),
                        "text",
                        "books.txt",
                        "tokens",
                        65536,
                        "split",
                        List.of(0.0, 0.25, 0.75),
                        "lr",
                        List.of(1e-3, 5e-4, 2e-4),
                        "keep-attention",
                        List.of(1, 3),
                        "freeze",
                        List.of("*.mlp.*"),
                        "dtype",
                        "double",
                        "hidden-states.target",
                        "block",
                        "batch",
                        8))
                .with(Map.of(
                        "student.mixer-options",
                        Map.of("state-size", 16, "conv-width", 3, "heads", 8, "groups", 2, "chunk-length", 32),
                        "student.init",
                        "random",
                        "schedule.kind",
                        "cosine",
                        "schedule.decay-fraction",
                        0.1,
                        "optimizer.clip-norm",
                        0.5,
                        "optimizer.groups",
                        List.of(),
                        "distillation.temperature",
                        2.0,
                        "evaluation.windows",
                        4));

        DistillConfig read = DistillConfigYaml.readRun(written("config.yaml"));

        assertThat(read).isEqualTo(expected);
        assertThat(read.student())
                .isEqualTo(new StudentConfig(
                        "discrete-mamba2",
                        Map.of("state-size", 16, "conv-width", 3, "heads", 8, "groups", 2, "chunk-length", 32),
                        MixerInit.RANDOM));
        assertThat(DistillConfigYaml.parse("again", DistillConfigYaml.format(read)))
                .isEqualTo(read);
    }

    @Test
    void aCheckpointGoesOnWithTheLossesOfTheWholeRun() throws IOException {
        Path source = written("run");
        try (Stream<Path> files = Files.walk(source)) {
            for (Path file : files.toList()) {
                Files.copy(file, folder.resolve("run").resolve(source.relativize(file)));
            }
        }
        TinyRun run = new TinyRun(folder.resolve("run"), Map.of("checkpoint.keep", 1));

        assertThat(run.resume().student().nllPerToken()).isCloseTo(NLL, within(1e-6));

        List<StepMetrics> whole = MetricsReader.read(written("metrics-of-the-whole-run.jsonl"));
        assertThat(run.losses()).hasSameSizeAs(whole);
        for (int i = 0; i < whole.size(); i++) {
            assertThat(run.losses().get(i).loss()).isCloseTo(whole.get(i).loss(), within(1e-4));
        }
    }
}
