package org.mohawk4j.cli.launch;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Launchers as processes of their own, whose ranks are processes as well. */
@Timeout(120)
class LauncherTest {
    private static final Duration PATIENCE = Duration.ofSeconds(40);

    @TempDir
    private Path folder;

    private final List<Process> started = new ArrayList<>();

    @AfterEach
    void end() {
        started.forEach(Process::destroyForcibly);
    }

    private Process launch(String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty("java.class.path"),
                TinyLauncher.class.getName()));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("console").toFile());
        builder.environment().put("NCCL_DEBUG", "WARN");
        Process process = builder.start();
        started.add(process);
        return process;
    }

    private String run() {
        return folder.resolve("run").toString();
    }

    private int await(Process process) throws InterruptedException {
        assertThat(process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
        return process.exitValue();
    }

    private String read(String file) throws IOException {
        return Files.readString(folder.resolve(file));
    }

    private static void await(BooleanSupplier condition) throws InterruptedException {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).isLessThan(end);
            Thread.sleep(20);
        }
    }

    private void begin() throws IOException {
        Files.createDirectories(folder.resolve("run"));
        Files.writeString(folder.resolve("run/config.yaml"), "");
    }

    private boolean isAlive(int rank) {
        try {
            long pid = Long.parseLong(read("run/pid-" + rank).strip());
            return ProcessHandle.of(pid).isPresent();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private boolean isStarted() {
        return Files.exists(folder.resolve("run/environment-0")) && Files.exists(folder.resolve("run/environment-1"));
    }

    @Test
    void ranksHaveTheCallersEnvironmentAndTheirOwn() throws Exception {
        begin();
        assertThat(await(launch("succeed", run()))).isZero();

        assertThat(read("console")).isEqualTo("rank 0 of 2 on the console\n");
        assertThat(read("run/logs/rank-1.log")).isEqualTo("rank 1 of 2 on the console\n");
        assertThat(read("run/environment-1"))
                .isEqualTo("WORLD_SIZE=2\nLOCAL_RANK=1\nMASTER_ADDR=127.0.0.1\nNCCL_NVLS_ENABLE=0\nNCCL_DEBUG=WARN\n");
    }

    @Test
    void refusedRanksLeaveNoLogAndAreNotStartedAgain() throws Exception {
        assertThat(await(launch("refuse", run(), "succeed"))).isEqualTo(2);

        assertThat(read("console")).isEqualTo("refused\n");
        assertThat(folder.resolve("run/logs")).doesNotExist();
        assertThat(read("run/seen-0")).hasLineCount(1);
    }

    @Test
    void ranksGoOnWithoutALogWhereItCannotBeWritten() throws Exception {
        begin();
        Files.writeString(folder.resolve("run/logs"), "a file");
        assertThat(await(launch("succeed", run()))).isZero();

        assertThat(read("console"))
                .contains("rank 0 of 2 on the console\n")
                .containsOnlyOnce("mohawk distill: cannot write " + folder.resolve("run/logs/rank-1.log"));
    }

    @Test
    void failedRankIsNamedWithItsLastLine() throws Exception {
        begin();
        assertThat(await(launch("fail", run()))).isEqualTo(3);

        assertThat(read("console"))
                .isEqualTo("mohawk distill: rank 1 ended with exit code 3; its last line: out of luck; log: "
                        + folder.resolve("run/logs/rank-1.log") + "\n");
    }

    @Test
    void failedRanksAreStartedAgain() throws Exception {
        begin();
        assertThat(await(launch("fail", run(), "succeed"))).isZero();

        assertThat(read("console")).contains("mohawk distill: restart 1 of 2\n", "rank 0 of 2 on the console\n");
        assertThat(read("run/seen-1")).isEqualTo("fail " + run() + "\nsucceed " + run() + " again\n");
    }

    @Test
    void ranksOfARunThatHasNotBegunStartAsTheFirstTime() throws Exception {
        assertThat(await(launch("fail", run(), "succeed"))).isEqualTo(3);

        assertThat(read("run/seen-1")).isEqualTo(("fail " + run() + "\n").repeat(3));
    }

    @Test
    void rankThatDoesNotEndWhenAnotherHasFailedIsKilled() throws Exception {
        Process launcher = launch("hang", run());

        assertThat(await(launcher)).isEqualTo(7);
        await(() -> !isAlive(0));
    }

    @Test
    void signalReachesAllRanksAndEndsThem() throws Exception {
        Process launcher = launch("wait", run());
        await(this::isStarted);
        Thread.sleep(300);
        launcher.destroy();

        assertThat(await(launcher)).isEqualTo(143);
        assertThat(read("run/stopped-0")).isEqualTo("saved\n");
        assertThat(read("run/stopped-1")).isEqualTo("saved\n");
        assertThat(isAlive(0)).isFalse();
        assertThat(isAlive(1)).isFalse();
    }

    @Test
    void ranksEndWithALauncherThatIsKilled() throws Exception {
        Process launcher = launch("wait", run());
        await(this::isStarted);
        Thread.sleep(300);
        launcher.destroyForcibly();
        launcher.waitFor();

        await(() -> !isAlive(0) && !isAlive(1));
        assertThat(read("run/stopped-1")).isEqualTo("saved\n");
    }

    @Test
    void killedRankEndsTheOther() throws Exception {
        begin();
        Process launcher = launch("wait", run());
        await(this::isStarted);
        ProcessHandle.of(Long.parseLong(read("run/pid-1").strip()))
                .orElseThrow()
                .destroyForcibly();

        assertThat(await(launcher)).isEqualTo(1);
        assertThat(isAlive(0)).isFalse();
        assertThat(read("console")).contains("mohawk distill: rank 1 was ended by signal 9");
    }
}
