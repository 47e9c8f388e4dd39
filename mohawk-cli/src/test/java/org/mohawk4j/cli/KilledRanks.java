package org.mohawk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.mohawk4j.train.metrics.MetricsReader;
import org.mohawk4j.train.metrics.StepMetrics;

/** Runs on two ranks, one left alone and others of which a rank is killed at a random moment and that are resumed. */
final class KilledRanks {
    private static final int RANKS = 2;

    private final RankCommands commands;
    private final Path folder;
    private final List<String> options;
    private final int steps;

    /**
     * Runs once without a kill.
     *
     * @param options of {@code distill}, without {@code --out} and {@code --gpus}
     * @param steps of all stages together
     */
    KilledRanks(RankCommands commands, Path folder, List<String> options, int steps)
            throws IOException, InterruptedException {
        this.commands = commands;
        this.folder = folder;
        this.options = options;
        this.steps = steps;
        complete("whole");
        assertThat(losses("whole")).hasSize(steps);
    }

    /**
     * Kills one rank of each run, and compares what the resumed run comes to.
     *
     * @param atMost how long all ranks may take to end after the kill
     */
    void killAndCompare(int kills, long seed, Duration atMost) throws IOException, InterruptedException {
        Random random = new Random(seed);
        for (int kill = 0; kill < kills; kill++) {
            String run = "killed-" + seed + "-" + kill;
            if (!kill(run, random, atMost)) {
                // it was done before
                kill--;
            }
        }
    }

    private boolean kill(String run, Random random, Duration atMost) throws IOException, InterruptedException {
        Process launcher = start(run);
        List<ProcessHandle> ranks = new ArrayList<>();
        for (int rank = 0; rank < RANKS; rank++) {
            ranks.add(RankCommands.rank(launcher, rank));
        }
        int victim = random.nextInt(RANKS);
        int target = random.nextInt(steps);
        while (launcher.isAlive() && steps(run) < target) {
            Thread.sleep(2);
        }
        // among the first ones, while ranks find each other and load the teacher
        Thread.sleep(random.nextInt(target == 0 ? 3_000 : 50));
        if (!launcher.isAlive() || !ranks.get(victim).destroyForcibly()) {
            return false;
        }
        long killed = System.nanoTime();
        int code = RankCommands.await(launcher);
        Duration took = Duration.ofNanos(System.nanoTime() - killed);
        if (code == 0) {
            return false;
        }
        String said = commands.read(run + ".console");
        assertThat(code).as(said).isEqualTo(1);
        assertThat(took).as(said).isLessThan(atMost);
        assertThat(said).containsPattern("rank " + victim + " (on .*: the connection is lost|was ended by signal 9)");
        assertThat(ranks).as(said).noneMatch(ProcessHandle::isAlive);
        complete(run);
        assertThat(losses(run)).as(run).isEqualTo(losses("whole"));
        assertThat(folder.resolve(run).resolve("student/model.safetensors"))
                .hasSameBinaryContentAs(folder.resolve("whole").resolve("student/model.safetensors"));
        return true;
    }

    /** Starts a run, or resumes it. */
    private Process start(String run) throws IOException {
        Path out = folder.resolve(run);
        List<String> arguments = new ArrayList<>();
        if (Files.exists(out.resolve("config.yaml"))) {
            arguments.addAll(List.of("--resume", out.toString(), "--rank-timeout", "15"));
        } else {
            arguments.addAll(options);
            arguments.addAll(List.of("--out", out.toString(), "--gpus", "2", "--rank-timeout", "15"));
        }
        return commands.start(run + ".console", Map.of(), arguments);
    }

    private void complete(String run) throws IOException, InterruptedException {
        assertThat(RankCommands.await(start(run)))
                .as(commands.read(run + ".console"))
                .isZero();
    }

    private int steps(String run) throws IOException {
        Path metrics = folder.resolve(run).resolve("metrics.jsonl");
        return Files.exists(metrics) ? Files.readAllLines(metrics).size() : 0;
    }

    private List<Double> losses(String run) throws IOException {
        return MetricsReader.read(folder.resolve(run).resolve("metrics.jsonl")).stream()
                .map(StepMetrics::loss)
                .toList();
    }
}
