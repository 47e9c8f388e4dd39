package org.mohawk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import picocli.CommandLine;

/** What a command line did. */
record CommandRun(int exitCode, String out, String err) {
    /** Runs a command line in this process, on one thread. */
    static CommandRun of(String... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine mohawk = Mohawk.commandLine().setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
        int exitCode = mohawk.execute(arguments);
        return new CommandRun(exitCode, out.toString(), err.toString());
    }

    CommandRun succeeds() {
        assertThat(err).isEmpty();
        assertThat(exitCode).isZero();
        return this;
    }

    /** Exit code 2 and one line. */
    CommandRun refuses(String... reasons) {
        assertThat(err.lines().toList()).as("standard error").hasSize(1);
        assertThat(err).startsWith("mohawk").contains(reasons);
        assertThat(exitCode).isEqualTo(2);
        return this;
    }

    List<String> lines() {
        return out.lines().toList();
    }

    /** The value of {@code name=value} in one of the last two lines. */
    double value(String name) {
        List<String> lines = lines();
        return lines.subList(Math.max(0, lines.size() - 2), lines.size()).stream()
                .flatMap(line -> Stream.of(line.split(" ")))
                .filter(pair -> pair.startsWith(name + "="))
                .mapToDouble(pair -> Double.parseDouble(pair.substring(name.length() + 1)))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no " + name + " in " + lines));
    }

    /** A file or folder of the golden data that all modules share. */
    static Path golden(String name) {
        return Path.of(System.getProperty("mohawk.golden", "../src/test/golden"))
                .resolve(name);
    }

    /** A text of about {@code words} words. */
    static Path text(Path file, int words) throws IOException {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < words; i++) {
            text.append(List.of("the old man", "went to", "the house,", "and she said", "nothing more.", "It was")
                            .get((i * i + i / 7) % 6))
                    .append(i % 11 == 0 ? "\n" : " ");
        }
        return Files.writeString(file, text);
    }
}
