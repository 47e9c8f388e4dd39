package org.mohawk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.mohawk4j.backend.BackendProvider;

/** Commands in processes of their own, some of which train on several ranks without a GPU. */
final class RankCommands implements AutoCloseable {
    private final Path folder;
    private final List<Process> started = new ArrayList<>();

    RankCommands(Path folder) throws IOException {
        this.folder = folder;
        Path services = Files.createDirectories(folder.resolve("classes/META-INF/services"));
        Files.writeString(services.resolve(BackendProvider.class.getName()), HostRanksProvider.class.getName() + "\n");
    }

    /**
     * Starts a command.
     *
     * @param console the file in {@code folder} that has what it says
     */
    Process start(String console, Map<String, String> environment, List<String> arguments) throws IOException {
        List<String> all = new ArrayList<>(List.of("distill"));
        all.addAll(arguments);
        return start(console, environment, Mohawk.class, all);
    }

    /** Starts a program. */
    Process start(String console, Map<String, String> environment, Class<?> main, List<String> arguments)
            throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-Djava.awt.headless=true",
                "-Dai.djl.offline=true",
                "-cp",
                folder.resolve("classes") + File.pathSeparator + System.getProperty("java.class.path"),
                main.getName()));
        command.addAll(arguments);
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve(console).toFile());
        builder.environment().putAll(Map.of("OMP_WAIT_POLICY", "passive", "OPENBLAS_THREAD_TIMEOUT", "4"));
        builder.environment().putAll(environment);
        Process process = builder.start();
        started.add(process);
        return process;
    }

    String read(String console) throws IOException {
        return Files.readString(folder.resolve(console));
    }

    static int await(Process process) throws InterruptedException {
        assertThat(process.waitFor(180, TimeUnit.SECONDS)).isTrue();
        return process.exitValue();
    }

    /** A rank that a process has launched. */
    static ProcessHandle rank(Process launcher, int rank) throws InterruptedException {
        String variable = "\0RANK=" + rank + "\0";
        while (launcher.isAlive()) {
            for (ProcessHandle child : launcher.children().toList()) {
                if (environment(child).contains(variable)) {
                    return child;
                }
            }
            Thread.sleep(50);
        }
        throw new AssertionError("the launcher has ended");
    }

    private static String environment(ProcessHandle process) {
        try {
            byte[] variables = Files.readAllBytes(Path.of("/proc", String.valueOf(process.pid()), "environ"));
            return "\0" + new String(variables, StandardCharsets.UTF_8) + "\0";
        } catch (IOException e) {
            // it has ended meanwhile
            return "";
        }
    }

    @Override
    public void close() {
        started.forEach(process -> {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
        });
    }
}
