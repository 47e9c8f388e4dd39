package org.mohawk4j.train.distributed.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Ranks as processes, of which one is killed, stopped or hangs while all take steps. */
@Timeout(120)
class KilledRankTest {
    private static final int RANKS = 3;

    private final List<Process> ranks = new ArrayList<>();
    private final List<BufferedReader> output = new ArrayList<>();

    @AfterEach
    void end() {
        ranks.forEach(Process::destroyForcibly);
    }

    /** Three ranks that take steps. */
    private void start(int patienceMillis, int hanging) throws IOException {
        int port = Ranks.freePort();
        for (int rank = 0; rank < RANKS; rank++) {
            List<String> command = new ArrayList<>(List.of(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-XX:TieredStopAtLevel=1",
                    "-XX:+UseSerialGC",
                    "-cp",
                    System.getProperty("java.class.path"),
                    RankProcess.class.getName(),
                    String.valueOf(rank),
                    String.valueOf(RANKS),
                    String.valueOf(port),
                    String.valueOf(patienceMillis)));
            if (rank == hanging) {
                command.add("hang");
            }
            Process process = new ProcessBuilder(command)
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            ranks.add(process);
            output.add(process.inputReader());
        }
        for (int rank = 0; rank < RANKS; rank++) {
            assertThat(line(rank)).isEqualTo("steps");
        }
    }

    private String line(int rank) {
        try {
            return String.valueOf(output.get(rank).readLine());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void endsWith(String line, int... others) throws InterruptedException {
        for (int rank : others) {
            assertThat(line(rank)).as("rank " + rank).isEqualTo(line);
            assertThat(ranks.get(rank).waitFor(10, TimeUnit.SECONDS)).isTrue();
            assertThat(ranks.get(rank).exitValue()).isEqualTo(1);
        }
    }

    @Test
    void ranksThatAreDoneEndWithoutAWord() throws Exception {
        start(60_000, -1);
        ranks.get(1).getOutputStream().close();

        for (int rank = 0; rank < RANKS; rank++) {
            assertThat(line(rank)).isEqualTo("done");
            assertThat(ranks.get(rank).waitFor(10, TimeUnit.SECONDS)).isTrue();
            assertThat(ranks.get(rank).exitValue()).isZero();
        }
    }

    @Test
    void killedRankIsNamedByAllOthers() throws Exception {
        start(60_000, -1);
        ranks.get(1).destroyForcibly();

        endsWith("rank 1 on here, device 1: the connection is lost: its process or host has ended", 0, 2);
    }

    @Test
    void killedRankZeroIsNamedByAllOthers() throws Exception {
        start(60_000, -1);
        ranks.get(0).destroyForcibly();

        endsWith("rank 0 on here, device 0: the connection is lost: its process or host has ended", 1, 2);
    }

    @Test
    void stoppedRankIsNamedByAllOthers() throws Exception {
        start(2_000, -1);
        signal("STOP", 2);

        endsWith("rank 2 on here, device 2: expected a sign of life within 2 s, found none", 0, 1);
        signal("CONT", 2);
        assertThat(ranks.get(2).waitFor(10, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void stoppedRankZeroIsNamedByAllOthers() throws Exception {
        start(2_000, -1);
        signal("STOP", 0);

        endsWith("rank 0 on here, device 0: expected a sign of life within 2 s, found none", 1, 2);
    }

    @Test
    void rankThatHangsIsNamedByAllOthersAndEndedItself() throws Exception {
        start(2_000, 1);
        String line = "rank 1 on here, device 1: expected progress within 2 s, found none, and others waiting for it";

        endsWith(line, 0, 2);
        assertThat(line(1)).isEqualTo("halted: " + line);
        assertThat(ranks.get(1).waitFor(10, TimeUnit.SECONDS)).isTrue();
        assertThat(ranks.get(1).exitValue()).isEqualTo(3);
    }

    private void signal(String name, int rank) throws IOException, InterruptedException {
        Process kill = new ProcessBuilder(
                        "kill", "-" + name, String.valueOf(ranks.get(rank).pid()))
                .start();
        assertThat(kill.waitFor()).isZero();
    }
}
