package org.mohawk4j.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mohawk4j.train.run.MetricsReader;
import org.mohawk4j.train.run.StepMetrics;

/**
 * Kills runs, as {@code kill -9} does, at random moments: while they start, step, accumulate, save, cross from stage to
 * stage or evaluate. Every folder must be one to go on with, and the run that goes on the same to the last bit as the one
 * that was left alone.
 */
class KillTest {
    private static final int STEPS = 24;
    private static final int VOCABULARY = 128;
    private static final Pattern STAGE_AND_STEP = Pattern.compile("\"stage\":\\d+,\"step\":\\d+");
    private static final Pattern MEASURED =
            Pattern.compile(",\"(tokens_per_second|seconds|peak_memory_bytes)\":[-+.\\dE]+");

    @TempDir
    private static Path folder;

    private static Path teacher;
    private static Path text;
    private static Path undisturbed;

    @BeforeAll
    static void runWithoutInterruption() throws IOException {
        teacher = teacher(folder.resolve("teacher"));
        text = folder.resolve("text.txt");
        Files.writeString(
                text,
                new Random(1)
                        .ints(2000, 0, VOCABULARY)
                        .mapToObj(word -> "w" + word)
                        .collect(Collectors.joining(" ")));
        undisturbed = folder.resolve("undisturbed");
        CommandRun.of(start(undisturbed).toArray(String[]::new)).succeeds();
        assertThat(Files.readAllLines(undisturbed.resolve("metrics.jsonl"))).hasSize(STEPS);
    }

    /** The golden data's teacher, which is smaller than the one that is shipped, with a tokenizer of numbered words. */
    private static Path teacher(Path folder) throws IOException {
        Files.createDirectory(folder);
        for (String name : List.of("config.json", "model.safetensors")) {
            Files.copy(CommandRun.golden("teacher").resolve(name), folder.resolve(name));
        }
        String words = IntStream.range(0, VOCABULARY)
                .mapToObj(word -> "\"w" + word + "\":" + word)
                .collect(Collectors.joining(","));
        Files.writeString(
                folder.resolve("tokenizer.json"),
                "{\"version\":\"1.0\",\"added_tokens\":[],\"pre_tokenizer\":{\"type\":\"Whitespace\"},"
                        + "\"model\":{\"type\":\"WordLevel\",\"unk_token\":\"w0\",\"vocab\":{" + words + "}}}");
        return folder;
    }

    @Test
    void threeKillsChangeNothing() throws IOException, InterruptedException {
        killAndCompare(3, 3, 5);
    }

    @Test
    void aSignalSavesAndEndsTheRunWithItsExitCode() throws IOException, InterruptedException {
        Path out = folder.resolve("signalled");
        Process process = command(out);
        while (process.isAlive() && steps(out) < 5) {
            TimeUnit.MILLISECONDS.sleep(2);
        }
        process.destroy();
        ProcessHandle again = process.toHandle();
        again.destroy();

        assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).as(log(out)).isEqualTo(128 + 15);
        List<StepMetrics> done = MetricsReader.read(out.resolve("metrics.jsonl"));
        StepMetrics last = done.get(done.size() - 1);
        assertThat(log(out))
                .contains("stopped at stage " + last.stage() + ", step " + last.step() + "; to go on: ./mohawk distill"
                        + " --resume " + out);
        assertThat(out.resolve("checkpoints"))
                .isDirectoryContaining("glob:**/stage-" + last.stage() + "-step-*" + last.step());

        assertThat(command(out).waitFor()).as(log(out)).isZero();
        assertSame(out, "after a signal");
    }

    /** {@code mvn -pl examples -am verify -DexcludedGroups=gpu -Dtest=KillTest}: some ten minutes. */
    @Test
    @Tag("slow")
    void aHundredKillsChangeNothing() throws IOException, InterruptedException {
        killAndCompare(100, 4, System.nanoTime());
    }

    /** @param most kills of one run */
    private static void killAndCompare(int kills, int most, long seed) throws IOException, InterruptedException {
        Random random = new Random(seed);
        int left = kills;
        for (int run = 0; left > 0; run++) {
            Path out = folder.resolve("run-" + run);
            int here = Math.min(left, most == left ? most : 1 + random.nextInt(most));
            int killed = 0;
            while (killed < here && kill(command(out), out, random)) {
                killed++;
            }
            left -= killed;
            Process last = command(out);
            assertThat(last.waitFor()).as(place(seed, run) + ": " + log(out)).isZero();
            assertSame(out, place(seed, run));
        }
    }

    private static String place(long seed, int run) {
        return "seed " + seed + ", run " + run;
    }

    private static String log(Path out) throws IOException {
        return Files.readString(out.resolveSibling(out.getFileName() + ".log"));
    }

    /** Starts a run, or goes on with one that has begun. */
    private static Process command(Path out) throws IOException {
        List<String> words = new ArrayList<>(List.of(
                ProcessHandle.current().info().command().orElse("java"),
                "-cp",
                System.getProperty("java.class.path"),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                Mohawk.class.getName()));
        boolean begun = Files.exists(out.resolve("config.yaml"));
        words.addAll(begun ? List.of("distill", "--resume", out.toString()) : start(out));
        File log = out.resolveSibling(out.getFileName() + ".log").toFile();
        return new ProcessBuilder(words)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log))
                .start();
    }

    private static List<String> start(Path out) {
        List<String> words = new ArrayList<>();
        words.addAll(List.of("distill", "--teacher", teacher.toString(), "--text", text.toString()));
        words.addAll(List.of("--out", out.toString(), "--held-out", "0.1", "--state-size", "16"));
        words.addAll(List.of("--context", "16", "--batch", "4", "--accumulate", "2", "--threads", "1"));
        words.addAll(List.of("--tokens", String.valueOf(STEPS * 64), "--split", "0.4,0.2,0.4"));
        words.addAll(List.of("--checkpoint-every", "2", "--windows", "1", "--report", "false"));
        return words;
    }

    /**
     * Kills a process after some steps and a moment.
     *
     * @return whether it was still alive
     */
    private static boolean kill(Process process, Path out, Random random) throws IOException, InterruptedException {
        int done = steps(out);
        int target = done + random.nextInt(STEPS - done + 1);
        while (process.isAlive() && steps(out) <= target && (target < STEPS || steps(out) < STEPS)) {
            TimeUnit.MILLISECONDS.sleep(2);
        }
        TimeUnit.MILLISECONDS.sleep(random.nextInt(20));
        boolean alive = process.isAlive();
        process.destroyForcibly().waitFor();
        return alive;
    }

    private static int steps(Path out) throws IOException {
        Path metrics = out.resolve("metrics.jsonl");
        return Files.exists(metrics) ? Files.readAllLines(metrics).size() : 0;
    }

    private static void assertSame(Path out, String place) throws IOException {
        assertThat(losses(out)).as(place).isEqualTo(losses(undisturbed));
        assertThat(stepsWithStatistics(out)).as(place).isEqualTo(stepsWithStatistics(undisturbed));
        for (String name : List.of("config.json", "model.safetensors", "tokenizer.json")) {
            assertThat(out.resolve("student").resolve(name))
                    .as(place)
                    .hasSameBinaryContentAs(undisturbed.resolve("student").resolve(name));
        }
        String[] left = out.toFile().list();
        assertThat(Arrays.stream(left).sorted())
                .as(place)
                .containsExactly(".lock", "checkpoints", "config.yaml", "metrics.jsonl", "statistics.jsonl", "student");
    }

    private static List<String> stepsWithStatistics(Path out) throws IOException {
        return Files.readAllLines(out.resolve("statistics.jsonl")).stream()
                .map(STAGE_AND_STEP::matcher)
                .filter(Matcher::find)
                .map(Matcher::group)
                .toList();
    }

    private static List<String> losses(Path out) throws IOException {
        return Files.readAllLines(out.resolve("metrics.jsonl")).stream()
                .map(line -> MEASURED.matcher(line).replaceAll(""))
                .toList();
    }
}
