package org.mohawk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Studies on the command line: the line for scripts, resuming, and one line for each bad input. */
class StudyCommandTest {
    @TempDir
    private Path folder;

    private CommandRun study(String name, String... more) {
        List<String> words = new ArrayList<>(List.of("study", name, "--out", out().toString(), "--threads", "1"));
        words.addAll(List.of(more));
        return CommandRun.of(words.toArray(String[]::new));
    }

    private Path out() {
        return folder.resolve("out");
    }

    private static String last(CommandRun run) {
        return run.lines().get(run.lines().size() - 1);
    }

    @Test
    void aStudyOfMatricesEndsWithOneLineAndIsNotRepeated() throws IOException {
        String[] options = {"--quick", "--context", "16", "--samples", "1", "--tokens", "256", "--batch", "2"};
        CommandRun run = study("matrices", options).succeeds();
        double toeplitz = run.value("toeplitz");
        assertThat(last(run)).matches("toeplitz=\\S+ low_rank=\\S+ ssd=\\S+ semiseparable=\\S+");
        assertThat(run.value("ssd")).isLessThanOrEqualTo(run.value("low_rank"));
        assertThat(run.value("semiseparable")).isLessThanOrEqualTo(run.value("ssd"));
        assertThat(toeplitz).isBetween(0.0, 1.0);
        assertThat(out().resolve("report/index.html")).content().contains("0.619", "shows the machinery");
        List<String> results = Files.readAllLines(out().resolve("results.jsonl"));
        assertThat(results).hasSize(4);
        assertThat(last(study("matrices", options).succeeds())).isEqualTo(last(run));
        assertThat(Files.readAllLines(out().resolve("results.jsonl"))).isEqualTo(results);
        study("matrices", "--quick").refuses("out " + out(), "a study with another training.batch: 2, not 4");
        study("stages", "--quick").refuses("another study: matrices, not stages");
    }

    @Test
    @Tag("slow")
    void everyQuickStudyRunsToItsPage() {
        for (String name : List.of("budgets", "hybrids", "matrices", "recall", "stages", "structures")) {
            Path own = folder.resolve(name);
            CommandRun run = CommandRun.of("study", name, "--quick", "--out", own.toString(), "--threads", "1")
                    .succeeds();
            assertThat(own.resolve("report/index.html")).content().contains("shows the machinery", "data:image/png");
            assertThat(last(run))
                    .matches(
                            switch (name) {
                                case "budgets" -> "split=[\\d.]+,[\\d.]+,[\\d.]+";
                                case "hybrids" -> "keep_attention=\\d";
                                case "matrices" ->
                                    "toeplitz=[\\d.]+ low_rank=[\\d.]+ ssd=[\\d.]+ semiseparable=[\\d.]+";
                                case "recall" -> "teacher=[\\d.]+ student=[\\d.]+";
                                case "stages" -> "full\\.attention\\.2=[\\d.]+( [a-z.]+[123+]+=[\\d.]+){27}";
                                default -> "toeplitz=[\\d.]+ linear-attention=[\\d.]+ discrete-mamba2=[\\d.]+";
                            });
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "stages     | --seeds 0              | seeds: expected a whole number from 1 to 1000, got 0",
                "stages     | --tokens 100           | tokens: expected at least",
                "stages     | --teacher nowhere      | teacher nowhere: expected a model folder, found nothing",
                "structures | --mixer attn           | attn",
                "structures | --mixer toeplitz       | mixer: expected others than",
                "matrices   | --samples 0            | samples: expected a whole number of at least 1, got 0",
                "matrices   | --state-sizes 8,4      | state-sizes: expected ascending",
                "matrices   | --context 64 --state-sizes 16 | state-sizes: expected numbers below a quarter of context 64",
                "matrices   | --context 4096         | context: expected 16 to 2048",
                "matrices   | --context 64 --samples 9999 --tokens 1024 | samples: expected at most the",
                "hybrids    | --keep 4               | keep: expected 1 to 3 of the teacher's 4 layers, got 4",
                "hybrids    | --keep 0               | keep: expected 1 to 3",
                "budgets    | --tokens 512           | tokens: expected at least",
                "budgets    | --split 0,0,1          | unknown option",
            })
    void badInputIsOneLineAndLeavesNothing(String name, String options, String reason) {
        List<String> words = new ArrayList<>(List.of("--quick"));
        words.addAll(List.of(options.split(" ")));
        study(name, words.toArray(String[]::new)).refuses(reason);
        assertThat(out()).doesNotExist();
    }

    @Test
    void aStudyNeedsAName() {
        CommandRun.of("study").refuses("missing name of a study");
        CommandRun.of("study", "tables").refuses("tables");
    }
}
