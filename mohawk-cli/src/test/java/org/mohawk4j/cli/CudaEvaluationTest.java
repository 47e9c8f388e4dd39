package org.mohawk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mohawk4j.models.testing.Gpu;
import org.mohawk4j.train.sample.EmbeddedTeacher;

/** On a GPU in mixed precision a run ends with the figures that {@code evaluate} finds. */
@Tag("gpu")
class CudaEvaluationTest {
    @TempDir
    private Path folder;

    @BeforeAll
    static void requireGpu() {
        Gpu.require();
    }

    @Test
    void aRunEndsWithTheFiguresThatEvaluateFinds() throws IOException {
        String text = CommandRun.text(folder.resolve("text.txt"), 4000).toString();
        String valid = CommandRun.text(folder.resolve("valid.txt"), 1500).toString();
        Path out = folder.resolve("out");
        String teacher = EmbeddedTeacher.unpack().toString();
        List<String> words = new ArrayList<>(List.of("distill", "--teacher", teacher, "--out", out.toString()));
        words.addAll(List.of("--backend", "cuda", "--dtype", "bf16", "--context", "128", "--batch", "4"));
        words.addAll(List.of("--text", text, "--valid", valid, "--windows", "4", "--report", "false"));
        words.addAll(List.of("--tokens", String.valueOf(20 * 4 * 128), "--split", "0.2,0.3,0.5", "--state-size", "64"));

        CommandRun run = CommandRun.of(words.toArray(String[]::new)).succeeds();

        assertThat(evaluated(out.resolve("student").toString(), valid)).isEqualTo(run.value("student.nll_per_token"));
        assertThat(evaluated(teacher, valid)).isEqualTo(run.value("teacher.nll_per_token"));
    }

    private static double evaluated(String model, String text) {
        List<String> words = new ArrayList<>(List.of("evaluate", "--model", model, "--text", text));
        words.addAll(List.of("--backend", "cuda", "--dtype", "bf16", "--context", "128", "--windows", "4"));
        return CommandRun.of(words.toArray(String[]::new)).succeeds().value("nll_per_token");
    }
}
