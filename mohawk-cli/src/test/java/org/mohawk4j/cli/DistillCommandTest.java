package org.mohawk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.config.DistillConfigYaml;
import org.mohawk4j.train.metrics.MetricsReader;
import org.mohawk4j.train.sample.EmbeddedTeacher;

class DistillCommandTest {
    @TempDir
    Path folder;

    @Test
    void theStudentThatIsSavedIsTheOneThatWasMeasured() throws IOException {
        Path run = folder.resolve("run");
        String text = CommandRun.text(folder.resolve("text.txt"), 900).toString();
        String valid = CommandRun.text(folder.resolve("valid.txt"), 60).toString();

        CommandRun distilled = CommandRun.of(
                        "distill",
                        "--out",
                        run.toString(),
                        "--text",
                        text,
                        "--valid",
                        valid,
                        "--context",
                        "32",
                        "--batch",
                        "2",
                        "--tokens",
                        "512",
                        "--split",
                        "0.25, 0.25, 0.5",
                        "--keep-attention",
                        "1, 3",
                        "--mixer-init",
                        "attention",
                        "--threads",
                        "1")
                .succeeds();

        assertThat(run.resolve("student"))
                .isDirectoryContaining("glob:**/{config.json,model.safetensors,tokenizer.json}");
        assertThat(run.resolve("report/index.html")).content().contains("matrix orientation");
        assertThat(MetricsReader.read(run.resolve("metrics.jsonl"))).hasSize(8);
        assertThat(distilled.out()).contains("1 matrix orientation", "2 hidden-state alignment", "stage 3 100% 4/4");

        CommandRun evaluated = CommandRun.of(
                        "evaluate",
                        "--model",
                        run.resolve("student").toString(),
                        "--text",
                        valid,
                        "--context",
                        "32",
                        "--threads",
                        "1")
                .succeeds();
        assertThat(evaluated.value("nll_per_token")).isCloseTo(distilled.value("student.nll_per_token"), within(1e-6));
        assertThat(evaluated.value("tokens")).isEqualTo(distilled.value("teacher.tokens"));
        assertThat(evaluated.value("perplexity")).isCloseTo(Math.exp(evaluated.value("nll_per_token")), within(0.01));
        // which of the two is better after eight steps on a toy text says nothing
        assertThat(distilled.value("teacher.nll_per_token")).isNotEqualTo(distilled.value("student.nll_per_token"));
        assertThat(distilled.value("student.tokens_per_second")).isPositive();
    }

    @Test
    void aRunIsRepeatedFromTheConfigurationThatItWrote() throws IOException {
        Path first = folder.resolve("first");
        Path second = folder.resolve("second");
        Path file = Files.writeString(folder.resolve("own.yaml"), "tokens: 512\nbatch: 2\nstudent: {state-size: 8}\n");

        CommandRun.of(
                        "distill",
                        "--config",
                        file.toString(),
                        "--out",
                        first.toString(),
                        "--context",
                        "16",
                        "--split",
                        "0,0.5,0.5",
                        "--held-out",
                        "0.1",
                        "--report",
                        "false",
                        "--seed",
                        "7",
                        "--threads",
                        "1")
                .succeeds();
        CommandRun.of("distill", "--config", first.resolve("config.yaml").toString(), "--out", second.toString())
                .succeeds();

        DistillConfig written = DistillConfigYaml.read(first.resolve("config.yaml"));
        assertThat(written.training().tokens()).as("from the file").isEqualTo(512);
        assertThat(written.student().mixerOptions()).as("from the file").containsEntry("state-size", 8);
        assertThat(written.training().context()).as("from the command line").isEqualTo(16);
        assertThat(written.training().seed()).as("from the command line").isEqualTo(7);
        assertThat(DistillConfigYaml.read(second.resolve("config.yaml")))
                .isEqualTo(written.with(java.util.Map.of("out", second)));
        assertThat(second.resolve("student/model.safetensors"))
                .hasSameBinaryContentAs(first.resolve("student/model.safetensors"));
        assertThat(first.resolve("report")).doesNotExist();
    }

    @Test
    void withoutAnythingTheShippedTeacherWritesItsText() throws IOException {
        assertThat(EmbeddedTeacher.config()).isNotEqualTo(DistillConfig.defaults());

        CommandRun run = CommandRun.of(
                        "distill",
                        "--out",
                        folder.resolve("run").toString(),
                        "--tokens",
                        "384",
                        "--context",
                        "16",
                        "--batch",
                        "4",
                        "--held-out",
                        "0.2",
                        "--report",
                        "false",
                        "--threads",
                        "1")
                .succeeds();

        assertThat(run.out()).contains("writing 100%", "192 tokens to train on, 48 held out");
        assertThat(run.lines()).last().asString().startsWith("student.nll_per_token=");
        try (Stream<Path> left = Files.list(folder)) {
            assertThat(left).containsExactly(folder.resolve("run"));
        }
    }
}
