package com.example;

import static org.assertj.core.api.Assertions.assertThat;

import com.example.mixer.OwnMixer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.backend.Backends;
import org.mohawk4j.data.TextFile;
import org.mohawk4j.data.TokenSequence;
import org.mohawk4j.data.TokenWindows;
import org.mohawk4j.eval.Perplexity;
import org.mohawk4j.io.Sha256;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tokenizer.TokenizerJson;
import org.mohawk4j.train.loop.TrainingListener;
import org.mohawk4j.train.metrics.MetricsReader;
import org.mohawk4j.train.metrics.StepMetrics;
import org.mohawk4j.train.report.RunResult;

/** A student with the own mixer, distilled from a teacher of the own family. */
class OwnStudentTest {
    @TempDir
    private static Path place;

    private static RunResult whole;

    @BeforeAll
    static void distil() throws IOException {
        TinyTeacher.write(place);
        whole = DistillOwn.BY_NAME.begin(place, place.resolve("whole")).run();
    }

    @Test
    void allThreeStagesTrainIt() {
        List<StepMetrics> steps = MetricsReader.read(whole.run().resolve("metrics.jsonl"));

        for (int stage = 1; stage <= 3; stage++) {
            int number = stage;
            List<Double> losses = steps.stream()
                    .filter(step -> step.stage() == number)
                    .map(StepMetrics::loss)
                    .toList();
            assertThat(losses).as("stage %d", stage).hasSize(DistillOwn.STEPS);
            assertThat(losses.get(DistillOwn.STEPS - 1)).as("stage %d", stage).isLessThan(losses.get(0));
        }
    }

    @Test
    void itIsTheSameWhenItIsReloaded() {
        Path folder = whole.studentFolder();
        try (Engine engine = Engine.open(Backends.AUTO, BackendOptions.defaults().withThreads(1));
                CausalLm student = ModelFolder.load(engine, folder)) {
            TokenizerJson tokenizer = TokenizerJson.load(folder);
            TextFile text = new TextFile(place.resolve("valid.txt"));
            TokenWindows windows = new TokenWindows(TokenSequence.encode(text, tokenizer::encode), 32);

            assertThat(student.config().mixers()).hasSize(3).hasOnlyElementsOfType(OwnMixer.Config.class);
            Parameter gate = student.parameters().get("layers.0.mixer.gate_proj.weight");
            assertThat(gate.value().square().sum().item()).as("its gate is trained").isPositive();
            assertThat(Perplexity.of(student, windows).nllPerToken())
                    .isEqualTo(whole.student().nllPerToken());
        }
    }

    /** However its mixers are given. */
    @ParameterizedTest
    @EnumSource
    void aKilledRunGoesOnToTheSameBits(DistillOwn way) throws IOException, InterruptedException {
        Path run = place.resolve("killed-" + way);
        Path log = place.resolve(way + ".log");
        Process child = new ProcessBuilder(
                        ProcessHandle.current().info().command().orElse("java"),
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("java.class.path"),
                        DistillOwn.class.getName(),
                        way.name(),
                        place.toString(),
                        run.toString())
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        try {
            while (child.isAlive() && !hasCheckpoint(run)) {
                TimeUnit.MILLISECONDS.sleep(20);
            }
            assertThat(child.isAlive()).as(() -> read(log)).isTrue();
        } finally {
            child.destroyForcibly().waitFor();
        }
        assertThat(run.resolve("student")).doesNotExist();

        Map<String, String> facts = new LinkedHashMap<>();
        RunResult resumed = way.resume(run)
                .listener(new TrainingListener() {
                    @Override
                    public void onFact(String subject, String fact) {
                        facts.put(subject, fact);
                    }
                })
                .run();

        assertThat(facts.get("resumed")).startsWith("after stage 1");
        assertThat(weights(resumed)).isEqualTo(weights(whole));
    }

    private static String weights(RunResult run) throws IOException {
        return Sha256.of(run.studentFolder().resolve("model.safetensors"));
    }

    private static boolean hasCheckpoint(Path run) throws IOException {
        Path checkpoints = run.resolve("checkpoints");
        if (!Files.exists(checkpoints)) {
            return false;
        }
        try (Stream<Path> all = Files.list(checkpoints)) {
            return all.anyMatch(checkpoint -> Files.exists(checkpoint.resolve("COMPLETE")));
        }
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            return e.toString();
        }
    }
}
