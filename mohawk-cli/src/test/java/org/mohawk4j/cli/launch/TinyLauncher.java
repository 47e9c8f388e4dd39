package org.mohawk4j.cli.launch;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** A process that launches two {@link TinyRank}s and exits with their code. */
final class TinyLauncher {
    private TinyLauncher() {}

    /** @param arguments what the ranks do, and where; then what they do when they are started again */
    public static void main(String[] arguments) {
        Path folder = Path.of(arguments[1]);
        Launcher launcher = new Launcher(
                List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-XX:+UseSerialGC",
                        "-cp",
                        System.getProperty("java.class.path"),
                        TinyRank.class.getName()),
                2,
                folder,
                new PrintWriter(System.err, true, StandardCharsets.UTF_8),
                Duration.ofSeconds(2));
        System.exit(launcher.run(
                List.of(arguments[0], arguments[1]),
                List.of(arguments.length > 2 ? arguments[2] : arguments[0], arguments[1], "again"),
                arguments.length > 2 ? 2 : 0));
    }
}
