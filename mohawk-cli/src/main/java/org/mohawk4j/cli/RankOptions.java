package org.mohawk4j.cli;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.cli.launch.Launcher;
import org.mohawk4j.cli.launch.LauncherWatch;
import org.mohawk4j.train.distributed.RankEnvironment;
import org.mohawk4j.train.distributed.tcp.TcpProcessGroup;
import org.mohawk4j.train.distributed.tcp.TcpSettings;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;

/** The options of a run on several GPUs, and what they come to in this process's environment. */
final class RankOptions {
    private static final String GPUS = "gpus";
    private static final String DEVICE = "device";

    @Option(
            names = "--rank-timeout",
            paramLabel = "SECONDS",
            defaultValue = "60",
            description = "How long other ranks wait for one that does not proceed (default: ${DEFAULT-VALUE}).")
    private int rankTimeout;

    @Option(
            names = "--join-timeout",
            paramLabel = "SECONDS",
            defaultValue = "25",
            description = "How long ranks wait for each other at the start (default: ${DEFAULT-VALUE}).")
    private int joinTimeout;

    @Option(
            names = "--restarts",
            paramLabel = "K",
            defaultValue = "0",
            description =
                    "With --gpus: resume by itself after a failed rank, at most K times (default: ${DEFAULT-VALUE}).")
    private int restarts;

    private final Map<String, String> environment = System.getenv();

    /** Which rank this process is; empty if it is a run by itself, or is to start the ranks. */
    Optional<RankEnvironment> rank() {
        return RankEnvironment.of(environment);
    }

    /** Whether other ranks' output goes to the same console. */
    boolean sharesConsole() {
        return !LauncherWatch.isLaunched(environment);
    }

    /**
     * Takes the device of a rank into the options that were given.
     *
     * @throws InvalidInputException if an option contradicts the environment
     */
    void apply(RankEnvironment rank, Map<String, Object> values) {
        requirePositive();
        if (sharesConsole()) {
            String present = "beside " + rank.size() + " ranks that the environment has started";
            if (values.containsKey(GPUS) && !values.get(GPUS).equals(1L)) {
                throw new InvalidInputException("--gpus: expected none " + present + ", found " + values.get(GPUS));
            }
            if (restarts > 0) {
                throw new InvalidInputException("--restarts: expected none " + present + ", found " + restarts);
            }
        }
        requireNoDevice(rank.size(), values);
        values.put(DEVICE, (long) rank.device());
    }

    private static void requireNoDevice(int ranks, Map<String, Object> values) {
        if (values.containsKey(DEVICE)) {
            throw new InvalidInputException("--device: expected none beside " + ranks
                    + " ranks, each of which has a device of its own, found " + values.get(DEVICE));
        }
    }

    private void requirePositive() {
        requireAtLeast(1, "--rank-timeout", rankTimeout);
        requireAtLeast(1, "--join-timeout", joinTimeout);
        requireAtLeast(0, "--restarts", restarts);
    }

    private static void requireAtLeast(int least, String name, int value) {
        if (value < least) {
            throw new InvalidInputException(name + ": expected at least " + least + ", found " + value);
        }
    }

    TcpProcessGroup join(RankEnvironment rank, CommandSpec command) {
        LauncherWatch.start(environment, command.commandLine().getErr());
        return TcpProcessGroup.join(
                rank,
                TcpSettings.defaults()
                        .withJoin(Duration.ofSeconds(joinTimeout))
                        .withRank(Duration.ofSeconds(rankTimeout))
                        .withVersion(Version.number())
                        .withStuck(failure -> halt(failure, command)));
    }

    /** The training thread waits for a device that another rank has left: nothing else ends it. */
    private static void halt(RuntimeException failure, CommandSpec command) {
        command.commandLine().getErr().println(command.qualifiedName() + ": " + failure.getMessage());
        command.commandLine().getErr().flush();
        Runtime.getRuntime().halt(failure instanceof InvalidInputException ? 2 : 1);
    }

    /**
     * Whether this process is to start ranks instead of running itself.
     *
     * @throws InvalidInputException if that is not possible
     */
    boolean launches(int gpus, Map<String, Object> values) {
        requirePositive();
        if (gpus == 1) {
            if (restarts > 0) {
                throw new InvalidInputException("--restarts: expected --gpus of at least 2, found " + gpus);
            }
            return false;
        }
        requireNoDevice(gpus, values);
        String visible = environment.getOrDefault("CUDA_VISIBLE_DEVICES", "");
        int count = visible.split(",").length;
        boolean shared = "1".equals(environment.get("NCCL_MULTI_RANK_GPU_ENABLE"));
        if (!visible.isBlank() && count < gpus && !shared) {
            throw new InvalidInputException("--gpus: expected at most " + count + ", the GPUs of CUDA_VISIBLE_DEVICES="
                    + visible + ", found " + gpus);
        }
        return true;
    }

    /**
     * Starts the ranks and ends with them.
     *
     * @param out the run folder of a new run, if the arguments do not name it
     * @param isNew whether it is no resumed run
     * @return the exit code
     */
    int launch(int gpus, Path run, Optional<Path> out, boolean isNew, CommandSpec command) {
        List<String> given =
                new ArrayList<>(command.commandLine().getParseResult().originalArgs());
        List<String> again = given;
        if (isNew) {
            again = new ArrayList<>(List.of("distill", "--resume", run.toString()));
            again.addAll(List.of("--rank-timeout", String.valueOf(rankTimeout)));
            again.addAll(List.of("--join-timeout", String.valueOf(joinTimeout)));
        }
        out.ifPresent(folder -> given.addAll(List.of("--out", folder.toString())));
        return new Launcher(
                        Launcher.program(Mohawk.class),
                        gpus,
                        run,
                        command.commandLine().getErr())
                .run(given, again, restarts);
    }
}
