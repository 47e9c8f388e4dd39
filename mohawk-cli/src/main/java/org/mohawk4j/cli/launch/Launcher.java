package org.mohawk4j.cli.launch;

import java.io.IOException;
import java.io.PrintWriter;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.mohawk4j.InvalidInputException;

/** Starts a run's ranks, each in a process of its own, and starts them again if one fails. Ends with them. */
public final class Launcher {
    /** Set for ranks that this class has started: the id of its process. */
    public static final String MARK = "MOHAWK_LAUNCHER";

    /** How long ranks may take to end when another has failed. */
    private static final Duration PATIENCE = Duration.ofSeconds(7);

    /** How long they may take to save on a signal; the sender often kills after half a minute. */
    private static final Duration SAVING = Duration.ofSeconds(29);

    private static final int REFUSED = 2;
    private static final int SIGNALS = 128;
    private static final int SIGINT = SIGNALS + 2;
    private static final int SIGTERM = SIGNALS + 15;

    private final List<String> program;
    private final int ranks;
    private final Path run;
    private final PrintWriter err;
    private final Duration patience;
    private Optional<RankProcesses> running = Optional.empty();
    private boolean stopping;

    /**
     * @param program what starts a JVM with its main class, to which arguments are appended
     * @param ranks processes
     * @param run the run folder
     */
    public Launcher(List<String> program, int ranks, Path run, PrintWriter err) {
        this(program, ranks, run, err, PATIENCE);
    }

    /** @param patience how long ranks may take to end when another has failed */
    Launcher(List<String> program, int ranks, Path run, PrintWriter err, Duration patience) {
        this.patience = patience;
        this.program = List.copyOf(program);
        this.ranks = ranks;
        this.run = run;
        this.err = err;
    }

    /**
     * Runs to the end.
     *
     * @param arguments of the first attempt
     * @param again of those after it, once the run has begun
     * @param restarts after failures, at most
     * @return the exit code
     */
    public int run(List<String> arguments, List<String> again, int restarts) {
        Thread hook = new Thread(this::stop, "mohawk-launcher-stop");
        Runtime.getRuntime().addShutdownHook(hook);
        try {
            int code = attempt(arguments);
            for (int i = 1; i <= restarts && isWorthAnother(code); i++) {
                tell("restart " + i + " of " + restarts);
                code = attempt(Files.exists(run.resolve("config.yaml")) ? again : arguments);
            }
            return code;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while ranks run", e);
        } finally {
            release(hook);
        }
    }

    /** The JVM of this process, for the same main class. */
    public static List<String> program(Class<?> main) {
        List<String> program = new ArrayList<>();
        program.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                // a debugger's port is taken
                .filter(option -> !option.startsWith("-agentlib:jdwp") && !option.startsWith("-Xrunjdwp"))
                .forEach(program::add);
        program.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
        return program;
    }

    private int attempt(List<String> arguments) throws InterruptedException {
        List<String> command = new ArrayList<>(program);
        command.addAll(arguments);
        RankProcesses processes = start(command);
        RankProcesses.End end = processes.await(patience);
        if (end.firstFailed().isEmpty()) {
            return 0;
        }
        int first = end.firstFailed().get();
        int code = code(end, first);
        boolean isTold = code == REFUSED && end.codes().get(0) == REFUSED;
        if (!isTold && !isStop(code)) {
            explain(processes, first, end.codes().get(first));
        }
        return code;
    }

    private synchronized RankProcesses start(List<String> command) {
        if (stopping) {
            throw new IllegalStateException("this process is being stopped");
        }
        try {
            RankProcesses processes = new RankProcesses(command, ranks, run, this::tell);
            running = Optional.of(processes);
            return processes;
        } catch (IOException e) {
            throw new InvalidInputException(
                    "ranks: expected to start " + ranks + " processes, found " + e.getMessage(), e);
        }
    }

    /** Rank 0 has said why it ends, and which rank it was for; what that rank said last may say more. */
    private void explain(RankProcesses processes, int rank, int code) throws InterruptedException {
        String how = code > SIGNALS ? "was ended by signal " + (code - SIGNALS) : "ended with exit code " + code;
        Optional<String> last = processes.lastLine(rank);
        if (rank > 0 || code > SIGNALS) {
            tell("rank " + rank + " " + how
                    + last.map(line -> "; its last line: " + line).orElse(""));
        }
    }

    private static int code(RankProcesses.End end, int first) {
        List<Integer> codes = end.codes();
        if (codes.contains(SIGTERM) || codes.contains(SIGINT)) {
            return codes.contains(SIGTERM) ? SIGTERM : SIGINT;
        }
        int code = codes.get(first) < SIGNALS ? codes.get(first) : codes.get(0);
        return code == 0 || code > SIGNALS ? 1 : code;
    }

    private static boolean isStop(int code) {
        return code == SIGTERM || code == SIGINT;
    }

    private synchronized boolean isWorthAnother(int code) {
        return code != 0 && code != REFUSED && !isStop(code) && !stopping;
    }

    private void stop() {
        Optional<RankProcesses> processes;
        synchronized (this) {
            stopping = true;
            processes = running;
        }
        try {
            if (processes.isPresent()) {
                processes.get().stop(SAVING);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void release(Thread hook) {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // the process is ending by a signal, and the hook is what ended the ranks
            return;
        }
    }

    private void tell(String line) {
        err.println("mohawk distill: " + line);
        err.flush();
    }
}
