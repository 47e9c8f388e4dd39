package org.mohawk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The whole command on two ranks: one dies and the run resumes, and starts that are refused. */
@Tag("slow")
@Timeout(600)
class RanksTest {
    private static final int STEPS = 24;
    private static final int VOCABULARY = 128;

    @TempDir
    private Path folder;

    private RankCommands commands;

    @BeforeEach
    void begin() throws IOException {
        commands = new RankCommands(folder);
        InterruptedRuns.teacher(VOCABULARY, folder.resolve("teacher"));
        InterruptedRuns.text(VOCABULARY, 2000, folder.resolve("text.txt"));
    }

    @AfterEach
    void end() {
        commands.close();
    }

    private List<String> options(String run, String... more) {
        List<String> options = new ArrayList<>(List.of(
                "--backend", HostRanksProvider.NAME,
                "--out", folder.resolve(run).toString(),
                "--teacher", folder.resolve("teacher").toString(),
                "--text", folder.resolve("text.txt").toString(),
                "--held-out", "0.1",
                "--state-size", "16",
                "--split", "0.4,0.2,0.4",
                "--tokens", String.valueOf(STEPS * 4 * 16),
                "--context", "16",
                "--batch", "4",
                "--threads", "1",
                "--report", "false",
                "--windows", "1",
                "--checkpoint-every", "2",
                "--rank-timeout", "30"));
        options.addAll(List.of(more));
        return options;
    }

    private Process start(String run, String... more) throws IOException {
        return commands.start(run + ".console", Map.of(), options(run, more));
    }

    private byte[] student(String run) throws IOException {
        return Files.readAllBytes(folder.resolve(run).resolve("student/model.safetensors"));
    }

    private void awaitSteps(Process process, String run, int steps) throws IOException, InterruptedException {
        Path metrics = folder.resolve(run).resolve("metrics.jsonl");
        while (process.isAlive()
                && (!Files.exists(metrics) || Files.readAllLines(metrics).size() < steps)) {
            Thread.sleep(10);
        }
        assertThat(process.isAlive()).as(commands.read(run + ".console")).isTrue();
    }

    /** What ranks divide in stages 1 and 2. */
    @ParameterizedTest
    @ValueSource(strings = {"data", "layer"})
    void killedRankEndsTheRunAndItResumesToTheSameStudent(String parallelism) throws Exception {
        String[] two = {"--gpus", "2", "--parallelism", parallelism};
        assertThat(RankCommands.await(start("whole", two)))
                .as(commands.read("whole.console"))
                .isZero();

        Process killed = start("killed", two);
        awaitSteps(killed, "killed", 7);
        RankCommands.rank(killed, 1).destroyForcibly();
        assertThat(RankCommands.await(killed)).isEqualTo(1);
        assertThat(commands.read("killed.console"))
                .containsPattern("mohawk distill: rank 1 on .*, device 1: the connection is lost")
                .contains("rank 1 was ended by signal 9");
        Process resumed = commands.start(
                "resumed.console",
                Map.of(),
                List.of("--resume", folder.resolve("killed").toString()));
        assertThat(RankCommands.await(resumed))
                .as(commands.read("resumed.console"))
                .isZero();
        assertThat(student("killed")).isEqualTo(student("whole"));

        Process again = start("again", "--gpus", "2", "--parallelism", parallelism, "--restarts", "2");
        awaitSteps(again, "again", 12);
        RankCommands.rank(again, 0).destroyForcibly();
        assertThat(RankCommands.await(again)).as(commands.read("again.console")).isZero();
        assertThat(commands.read("again.console")).contains("mohawk distill: restart 1 of 2");
        assertThat(student("again")).isEqualTo(student("whole"));
        assertThat(folder.resolve("again/logs/rank-1.log")).content().contains("rank 0 on ");
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void signalToTheLauncherOrToOneRankSavesOnceAndTheRunResumes(boolean isToOne) throws Exception {
        Process stopped = start("stopped", "--gpus", "2", "--checkpoint-every", "0");
        awaitSteps(stopped, "stopped", 5);
        if (isToOne) {
            RankCommands.rank(stopped, 1).destroy();
        } else {
            stopped.destroy();
        }

        assertThat(RankCommands.await(stopped)).isEqualTo(143);
        assertThat(commands.read("stopped.console").lines().filter(line -> line.startsWith("mohawk distill")))
                .singleElement()
                .asString()
                .startsWith("mohawk distill: stopped at stage");
        assertThat(folder.resolve("stopped/checkpoints")).isDirectoryContaining("glob:**/stage-*");
        Process resumed = commands.start(
                "resumed.console",
                Map.of(),
                List.of("--resume", folder.resolve("stopped").toString(), "--gpus", "1"));
        assertThat(RankCommands.await(resumed))
                .as(commands.read("resumed.console"))
                .isZero();
    }

    @Test
    void ranksKilledAtRandomMomentsAreNamedAndTheRunsResumeToTheSameStudent() throws Exception {
        List<String> options = options("none");
        options.subList(options.indexOf("--out"), options.indexOf("--out") + 2).clear();
        options.subList(options.indexOf("--rank-timeout"), options.indexOf("--rank-timeout") + 2)
                .clear();

        new KilledRanks(commands, folder, options, STEPS).killAndCompare(3, System.nanoTime(), Duration.ofSeconds(40));
    }

    private Map<String, String> rank(int rank, int port) {
        return Map.of(
                "RANK", String.valueOf(rank),
                "WORLD_SIZE", "2",
                "LOCAL_RANK", String.valueOf(rank),
                "MASTER_ADDR", "127.0.0.1",
                "MASTER_PORT", String.valueOf(port));
    }

    private void bothRefuse(List<String> ofZero, List<String> ofOne, String line) throws Exception {
        int port = 21_000 + (int) (ProcessHandle.current().pid() % 7_000);
        Process zero = commands.start("zero.console", rank(0, port), ofZero);
        Process one = commands.start("one.console", rank(1, port), ofOne);

        for (Process process : List.of(zero, one)) {
            String said = commands.read(process == zero ? "zero.console" : "one.console");
            assertThat(RankCommands.await(process)).as(said).isEqualTo(2);
        }
        for (String console : List.of("zero.console", "one.console")) {
            assertThat(commands.read(console).lines().filter(said -> said.startsWith("mohawk distill:")))
                    .as(console)
                    .singleElement()
                    .asString()
                    .contains(line);
        }
        assertThat(folder.resolve("run")).doesNotExist();
    }

    @Test
    void rankWithAnotherConfigurationIsRefusedOnBoth() throws Exception {
        bothRefuse(options("run"), options("run", "--lr", "1e-3,1e-3,1e-3"), "device 1: stages: expected ");
    }

    @Test
    void rankWithAnotherTeacherIsRefusedOnBoth() throws Exception {
        InterruptedRuns.teacher(VOCABULARY, folder.resolve("other"));
        Path weights = folder.resolve("other/model.safetensors");
        byte[] bytes = Files.readAllBytes(weights);
        bytes[bytes.length - 3] ^= 1;
        Files.write(weights, bytes);
        List<String> other = new ArrayList<>(options("run"));
        other.set(other.indexOf("--teacher") + 1, folder.resolve("other").toString());

        bothRefuse(options("run"), other, "device 1: teacher model.safetensors: expected sha256 ");
    }

    @Test
    void ranksWithoutAGpuAreRefusedOnBoth() throws Exception {
        List<String> options = new ArrayList<>(options("run"));
        options.set(1, "nd4j");

        bothRefuse(options, options, "expected a GPU for each of 2 ranks, found");
    }

    @Test
    void gpusBesideRanksOfTheEnvironmentAreRefused() throws Exception {
        Process process = commands.start("console", rank(0, 29_999), options("run", "--gpus", "2"));

        assertThat(RankCommands.await(process)).isEqualTo(2);
        assertThat(commands.read("console"))
                .isEqualTo("mohawk distill: --gpus: expected none beside 2 ranks that the environment has started,"
                        + " found 2\n");
    }
}
