package org.mohawk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.mohawk4j.models.MixerInit;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.config.DistillConfigYaml;

/** Students with each mixer of the class path, from the command line. */
class MixersTest {
    @TempDir
    Path folder;

    private CommandRun distill(String... options) throws IOException {
        String text = CommandRun.text(folder.resolve("text.txt"), 300).toString();
        String run = folder.resolve("run").toString();
        List<String> words = new ArrayList<>(List.of("distill", "--out", run, "--text", text, "--held-out", "0.1"));
        words.addAll(List.of("--context", "16", "--batch", "2", "--tokens", "96", "--threads", "1", "--windows", "2"));
        words.addAll(List.of(options));
        return CommandRun.of(words.toArray(String[]::new));
    }

    private DistillConfig written() {
        return DistillConfigYaml.read(folder.resolve("run/config.yaml"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            discrete-mamba2  | state-size=8  | discrete_mamba2, d_state, 8
            linear-attention | state-size=8  | causal_linear_attention, d_state, 8
            toeplitz         | max-time=64   | toeplitz, max_time, 64
            attention        | kv-heads=2    | "model_type" : "phi", num_key_value_heads, 2
            """)
    void aStudentIsTrainedSavedEvaluatedAndContinuesText(String mixer, String option, String saved) throws IOException {
        CommandRun run = distill("--mixer", mixer, "--mixer-option", option, "--report", "false")
                .succeeds();

        String student = folder.resolve("run/student").toString();
        assertThat(Path.of(student, "config.json")).content().contains(saved.split(", "));
        assertThat(run.out()).contains("stage 3 100%");
        assertThat(written().student().mixer()).isEqualTo(mixer);
        CommandRun.of("generate", "--model", student, "--prompt", "the old man", "--max-tokens", "3", "--threads", "1")
                .succeeds();
        String text = folder.resolve("text.txt").toString();
        assertThat(CommandRun.of("evaluate", "--model", student, "--text", text, "--context", "16", "--threads", "1")
                        .succeeds()
                        .value("nll_per_token"))
                .isFinite();
    }

    @Test
    void anAttentionOfTheTeachersDimensionsIsFreshAllTheSame() throws IOException {
        CommandRun run = distill("--mixer", "attention", "--mixer-start", "random", "--report", "false")
                .succeeds();

        assertThat(written().student().init()).isEqualTo(MixerInit.RANDOM);
        assertThat(run.value("student.nll_per_token")).isNotCloseTo(run.value("teacher.nll_per_token"), within(1e-2));
    }

    @Test
    void otherHeadsThanTheTeachersTrainWithoutStage1() throws IOException {
        CommandRun run =
                distill("--mixer-option", "heads=8", "--split", "0,0.5,0.5").succeeds();

        assertThat(run.out()).contains("stage 2 100%", "stage 3 100%");
        CommandRun.of("distill", "--resume", folder.resolve("run").toString()).succeeds();
    }

    @Test
    void aStage1OfOtherHeadsIsRefused() throws IOException {
        String why = "stages[0].objective: expected none that compares mixing matrices head by head, got"
                + " matrix-orientation; layer 0: the student's mixer has 8 heads, the teacher's 4";
        distill("--mixer-option", "heads=8", "--split", "0.1,0.2,0.7").refuses(why);
        Path file = Files.writeString(folder.resolve("own.yaml"), "split: [0.5, 0, 0.5]\n");
        distill("--mixer-option", "heads=8", "--config", file.toString()).refuses(why);
        assertThat(folder.resolve("run")).doesNotExist();
    }

    @Test
    void aFileNamesMixerAndOptions() throws IOException {
        Path file = Files.writeString(
                folder.resolve("own.yaml"), "student: {mixer: linear-attention, mixer-options: {state-size: 4}}\n");

        distill("--config", file.toString(), "--mixer-option", "chunk-length=8", "--report", "false")
                .succeeds();

        assertThat(written().student().mixer()).isEqualTo("linear-attention");
        assertThat(written().student().mixerOptions())
                .containsEntry("state-size", 4)
                .containsEntry("chunk-length", 8);
    }

    @Test
    void mixersListsNamesAndOptions() {
        assertThat(CommandRun.of("mixers").succeeds().lines())
                .containsSubsequence(
                        "attention: softmax attention as the teacher's, freshly initialized: a control",
                        "discrete-mamba2: discrete Mamba-2, the mixer of Phi-Mamba (arXiv 2408.10189)",
                        "  state-size: a whole number of at least 1 (default: 64), N, of each head",
                        "  groups: a whole number of at least 1 (default: heads), G, heads of B and C, a divisor of H")
                .anyMatch(line -> line.startsWith("toeplitz: "))
                .anyMatch(line -> line.startsWith("linear-attention: "));
    }

    @Test
    void helpShowsTheMixerAndNotTheOldNameOfItsInit() {
        List<String> help = CommandRun.of("distill", "--help").lines();

        assertThat(help)
                .anyMatch(line -> line.contains("--mixer=NAME"))
                .anyMatch(line -> line.contains("--mixer-init"));
        assertThat(help).noneMatch(line -> line.contains("--mixer-start"));
    }
}
