package org.mohawk4j.cli;

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
import org.mohawk4j.train.metrics.MetricsReader;
import org.mohawk4j.train.metrics.StepMetrics;

/**
 * Runs of one kind in processes of their own, one left alone and others killed or stopped: while they start, step,
 * accumulate, save, cross from stage to stage or evaluate. Every folder must be one to go on with, and the run that goes
 * on the same to the last bit as the one that was left alone.
 */
final class InterruptedRuns {
    private static final Pattern STAGE_AND_STEP = Pattern.compile("\"stage\":\\d+,\"step\":\\d+");
    private static final Pattern MEASURED =
            Pattern.compile(",\"(tokens_per_second|seconds|peak_memory_bytes|model_flop_utilization)\":[-+.\\dE]+");

    private final Path folder;
    private final List<String> options;
    private final int steps;
    private final Path undisturbed;

    /**
     * Runs once without interruption.
     *
     * @param options of {@code distill}, without {@code --out}
     * @param steps of all stages together
     */
    InterruptedRuns(Path folder, List<String> options, int steps) throws IOException, InterruptedException {
        this.folder = folder;
        this.options = options;
        this.steps = steps;
        undisturbed = folder.resolve("undisturbed");
        assertThat(command(undisturbed).waitFor()).as(log(undisturbed)).isZero();
        assertThat(Files.readAllLines(undisturbed.resolve("metrics.jsonl"))).hasSize(steps);
    }

    /** Writes a tokenizer whose tokens are the words {@code w0}, {@code w1} and so on. */
    static void numberedWords(int vocabulary, Path file) throws IOException {
        String words = IntStream.range(0, vocabulary)
                .mapToObj(word -> "\"w" + word + "\":" + word)
                .collect(Collectors.joining(","));
        Files.writeString(
                file,
                "{\"version\":\"1.0\",\"added_tokens\":[],\"pre_tokenizer\":{\"type\":\"Whitespace\"},"
                        + "\"model\":{\"type\":\"WordLevel\",\"unk_token\":\"w0\",\"vocab\":{" + words + "}}}");
    }

    /** The golden data's teacher, which is smaller than the one that is shipped. */
    static Path teacher(int vocabulary, Path folder) throws IOException {
        return teacher(CommandRun.golden("teacher"), vocabulary, folder);
    }

    /** A model with a tokenizer of such words. */
    static Path teacher(Path model, int vocabulary, Path folder) throws IOException {
        Files.createDirectory(folder);
        for (String name : List.of("config.json", "model.safetensors")) {
            Files.copy(model.resolve(name), folder.resolve(name));
        }
        numberedWords(vocabulary, folder.resolve("tokenizer.json"));
        return folder;
    }

    /** Writes a text of such words. */
    static Path text(int vocabulary, int length, Path file) throws IOException {
        return Files.writeString(
                file,
                new Random(1)
                        .ints(length, 0, vocabulary)
                        .mapToObj(word -> "w" + word)
                        .collect(Collectors.joining(" ")));
    }

    /** @param most kills of one run */
    void killAndCompare(int kills, int most, long seed) throws IOException, InterruptedException {
        Random random = new Random(seed);
        Path place = Files.createDirectory(folder.resolve("seed-" + seed));
        int left = kills;
        for (int run = 0; left > 0; run++) {
            Path out = place.resolve("run-" + run);
            int here = Math.min(left, most == left ? most : 1 + random.nextInt(most));
            int killed = 0;
            while (killed < here && kill(command(out), out, random)) {
                killed++;
            }
            left -= killed;
            assertThat(command(out).waitFor()).as(out + ": " + log(out)).isZero();
            assertSame(out);
        }
    }

    /** Sends SIGTERM twice after some steps, looks at how the run ends, and goes on with it. */
    void stopAndCompare(int after) throws IOException, InterruptedException {
        Path out = folder.resolve("signaled");
        Process process = command(out);
        while (process.isAlive() && stepsOf(out) < after) {
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
                .contains("stopped at stage " + last.stage() + ", step " + last.step() + "; to resume: "
                        + ResumeCommand.of(out));
        assertThat(out.resolve("checkpoints"))
                .isDirectoryContaining("glob:**/stage-" + last.stage() + "-step-*" + last.step());

        assertThat(command(out).waitFor()).as(log(out)).isZero();
        assertSame(out);
    }

    /** Starts a run, or goes on with one that has begun. */
    private Process command(Path out) throws IOException {
        List<String> words = new ArrayList<>(List.of(
                ProcessHandle.current().info().command().orElse("java"),
                "-cp",
                System.getProperty("java.class.path"),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                Mohawk.class.getName(),
                "distill"));
        if (Files.exists(out.resolve("config.yaml"))) {
            words.addAll(List.of("--resume", out.toString()));
        } else {
            words.addAll(List.of("--out", out.toString()));
            words.addAll(options);
        }
        File log = out.resolveSibling(out.getFileName() + ".log").toFile();
        return new ProcessBuilder(words)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log))
                .start();
    }

    /**
     * Kills a process after some steps and a moment.
     *
     * @return whether it was still alive
     */
    private boolean kill(Process process, Path out, Random random) throws IOException, InterruptedException {
        int done = stepsOf(out);
        int target = done + random.nextInt(steps - done + 1);
        while (process.isAlive() && stepsOf(out) <= target && (target < steps || stepsOf(out) < steps)) {
            TimeUnit.MILLISECONDS.sleep(2);
        }
        TimeUnit.MILLISECONDS.sleep(random.nextInt(20));
        boolean alive = process.isAlive();
        process.destroyForcibly().waitFor();
        return alive;
    }

    private static int stepsOf(Path out) throws IOException {
        Path metrics = out.resolve("metrics.jsonl");
        return Files.exists(metrics) ? Files.readAllLines(metrics).size() : 0;
    }

    private static String log(Path out) throws IOException {
        return Files.readString(out.resolveSibling(out.getFileName() + ".log"));
    }

    private void assertSame(Path out) throws IOException {
        assertThat(losses(out)).as("%s", out).isEqualTo(losses(undisturbed));
        assertThat(stepsWithStatistics(out)).as("%s", out).isEqualTo(stepsWithStatistics(undisturbed));
        for (String name : List.of("config.json", "model.safetensors", "tokenizer.json")) {
            assertThat(out.resolve("student").resolve(name))
                    .as("%s", out)
                    .hasSameBinaryContentAs(undisturbed.resolve("student").resolve(name));
        }
        String[] left = out.toFile().list();
        assertThat(Arrays.stream(left).sorted())
                .as("%s", out)
                .containsExactly(
                        ".lock",
                        "checkpoints",
                        "config.yaml",
                        "inputs.json",
                        "metrics.jsonl",
                        "statistics.jsonl",
                        "student");
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
