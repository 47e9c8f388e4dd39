package org.mohawk4j.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Runs on the CPU that are killed, as {@code kill -9} does, at random moments. */
class KillTest {
    private static final int STEPS = 24;
    private static final int VOCABULARY = 128;

    @TempDir
    private static Path folder;

    private static InterruptedRuns runs;

    @BeforeAll
    static void runWithoutInterruption() throws IOException, InterruptedException {
        Path teacher = InterruptedRuns.teacher(VOCABULARY, folder.resolve("teacher"));
        runs = new InterruptedRuns(folder, options(teacher, folder), STEPS);
    }

    private static List<String> options(Path teacher, Path folder, String... more) throws IOException {
        Path text = InterruptedRuns.text(VOCABULARY, 2000, folder.resolve("text.txt"));
        List<String> options = new ArrayList<>(List.of(more));
        options.addAll(List.of("--teacher", teacher.toString(), "--text", text.toString(), "--held-out", "0.1"));
        options.addAll(List.of("--state-size", "16", "--context", "16", "--batch", "4", "--accumulate", "2"));
        options.addAll(List.of("--tokens", String.valueOf(STEPS * 64), "--split", "0.4,0.2,0.4", "--threads", "1"));
        options.addAll(List.of("--checkpoint-every", "2", "--windows", "1", "--report", "false"));
        return options;
    }

    @Test
    void twoKillsChangeNothing() throws IOException, InterruptedException {
        runs.killAndCompare(2, 2, 5);
    }

    @Test
    void aSignalSavesAndEndsTheRunWithItsExitCode() throws IOException, InterruptedException {
        runs.stopAndCompare(5);
    }

    /** {@code mvn -pl mohawk-cli -am verify -DexcludedGroups=gpu -Dtest=KillTest}: some ten minutes. */
    @Test
    @Tag("slow")
    void aHundredKillsChangeNothing() throws IOException, InterruptedException {
        runs.killAndCompare(100, 4, System.nanoTime());
    }

    /** Grouped queries and a head of its own, query/key norm and a tied head; the second is a hybrid. */
    @ParameterizedTest
    @CsvSource({"llama, mixer", "qwen3, attention"})
    @Tag("slow")
    void killsOfOtherFamiliesChangeNothing(String family, String layerOne, @TempDir Path own)
            throws IOException, InterruptedException {
        Path model = CommandRun.golden("teacher").resolve("../../golden-families/" + family + "/teacher");
        Path teacher = InterruptedRuns.teacher(model, VOCABULARY, own.resolve("teacher"));
        String[] kept = layerOne.equals("attention") ? new String[] {"--keep-attention", "1"} : new String[0];

        new InterruptedRuns(own, options(teacher, own, kept), STEPS).killAndCompare(4, 4, System.nanoTime());
    }
}
