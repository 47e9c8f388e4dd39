package org.mohawk4j.cli;

import java.nio.file.Path;
import java.util.Objects;
import java.util.regex.Pattern;

/** The line for a POSIX shell that goes on with a run, from whichever folder it is given in. */
final class ResumeCommand {
    private static final String PROGRAM = "mohawk.command";
    private static final Pattern PLAIN = Pattern.compile("[\\w@%+=:,./-]+");

    private ResumeCommand() {}

    /**
     * Begins in this process's working directory, since a run's configuration may name its teacher and texts from there.
     * The program is what the system property {@code mohawk.command} says, which {@code ./mohawk} sets to its own path.
     */
    static String of(Path run) {
        return of(
                Path.of("").toAbsolutePath(),
                Objects.requireNonNullElse(System.getProperty(PROGRAM), "./mohawk"),
                run.toAbsolutePath().normalize());
    }

    static String of(Path workingDirectory, String program, Path run) {
        return "cd " + quoted(workingDirectory.toString()) + " && " + quoted(program) + " distill --resume "
                + quoted(run.toString());
    }

    private static String quoted(String word) {
        return PLAIN.matcher(word).matches() ? word : "'" + word.replace("'", "'\\''") + "'";
    }
}
