package org.mohawk4j.cli.launch;

import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** The processes of a run's ranks on this machine. Rank 0 has this process's console, the others a log each. */
final class RankProcesses {
    private final Consumer<String> teller;
    private final List<Process> processes = new ArrayList<>();
    private final List<RankLog> logs = new ArrayList<>();
    private final List<Future<?>> exits = new ArrayList<>();
    private final BlockingQueue<Integer> ended = new LinkedBlockingQueue<>();

    /** How ranks have ended: exit codes by rank, and who was first to fail. */
    record End(List<Integer> codes, Optional<Integer> firstFailed) {}

    /**
     * @param run the run folder, for the logs
     * @param teller is told if a log cannot be written
     */
    RankProcesses(List<String> command, int ranks, Path run, Consumer<String> teller) throws IOException {
        this.teller = teller;
        int port = freePort();
        try {
            for (int rank = 0; rank < ranks; rank++) {
                start(command, rank, ranks, port, run);
            }
        } catch (IOException e) {
            kill();
            throw e;
        }
    }

    private void start(List<String> command, int rank, int ranks, int port, Path run) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command);
        Map<String, String> environment = builder.environment();
        environment.put("RANK", String.valueOf(rank));
        environment.put("WORLD_SIZE", String.valueOf(ranks));
        environment.put("LOCAL_RANK", String.valueOf(rank));
        environment.put("MASTER_ADDR", "127.0.0.1");
        environment.put("MASTER_PORT", String.valueOf(port));
        environment.put(Launcher.MARK, String.valueOf(ProcessHandle.current().pid()));
        // of whoever launched this process, who listens elsewhere
        environment.remove("TORCHELASTIC_USE_AGENT_STORE");
        // multicast over NVLink can take the GPUs of a shared host out of service
        environment.putIfAbsent("NCCL_NVLS_ENABLE", "0");
        if (rank == 0) {
            builder.inheritIO();
        } else {
            builder.redirectErrorStream(true).redirectInput(Redirect.PIPE);
        }
        Process process = builder.start();
        processes.add(process);
        if (rank > 0) {
            process.getOutputStream().close();
            logs.add(new RankLog(
                    process.getInputStream(),
                    run.resolve("logs").resolve("rank-" + rank + ".log"),
                    run.resolve("config.yaml"),
                    teller));
        }
        exits.add(process.onExit().thenRun(() -> ended.add(rank)));
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    /**
     * Waits until all have ended. Ranks that do not end when one has failed, or when rank 0 is done, are killed.
     *
     * @param patience how long they may take to end by themselves
     */
    End await(Duration patience) throws InterruptedException {
        Optional<Integer> failed = Optional.empty();
        long deadline = Long.MAX_VALUE;
        for (int left = processes.size(); left > 0; ) {
            Integer rank = deadline == Long.MAX_VALUE
                    ? ended.take()
                    : ended.poll(Math.max(0, deadline - System.nanoTime()), TimeUnit.NANOSECONDS);
            if (rank == null) {
                kill();
                deadline = Long.MAX_VALUE;
                continue;
            }
            left--;
            boolean isFailure = processes.get(rank).exitValue() != 0;
            if (isFailure && failed.isEmpty()) {
                failed = Optional.of(rank);
            }
            if ((isFailure || rank == 0) && deadline == Long.MAX_VALUE) {
                deadline = System.nanoTime() + patience.toNanos();
            }
        }
        for (RankLog log : logs) {
            log.finish();
        }
        return new End(processes.stream().map(Process::exitValue).toList(), failed);
    }

    /** The last line of a rank's log, and where it is; of rank 0 there is none. */
    Optional<String> lastLine(int rank) throws InterruptedException {
        if (rank == 0) {
            return Optional.empty();
        }
        RankLog log = logs.get(rank - 1);
        return log.finish().map(line -> line + "; log: " + log.file());
    }

    /** Asks all to save and stop, as by SIGTERM, and kills those that do not. */
    void stop(Duration patience) throws InterruptedException {
        processes.forEach(Process::destroy);
        long deadline = System.nanoTime() + patience.toNanos();
        for (Process process : processes) {
            process.waitFor(Math.max(0, deadline - System.nanoTime()), TimeUnit.NANOSECONDS);
        }
        kill();
    }

    void kill() {
        processes.forEach(Process::destroyForcibly);
    }
}
