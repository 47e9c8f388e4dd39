package org.mohawk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ResumeLineTest {
    @Test
    void pathsAreAbsoluteAndPlainOnesUnquoted() {
        String here = Path.of("").toAbsolutePath().toString();

        assertThat(ResumeCommand.of(Path.of("runs/a/../b")))
                .isEqualTo("cd " + here + " && ./mohawk distill --resume " + here + "/runs/b");
    }

    @ParameterizedTest
    @EnabledOnOs({OS.LINUX, OS.MAC})
    @ValueSource(strings = {"plain", "two words", "it's", "$HOME;`x`", "a\"b\\c", "new\nline", "*?[a]", "~", "Übung"})
    void aShellRunsItAsItIsMeant(String name, @TempDir Path folder) throws IOException, InterruptedException {
        Path work = Files.createDirectory(folder.resolve(name));
        Path program = work.resolve("program");
        Files.writeString(program, "#!/bin/sh\nprintf '%s|' \"$PWD\" \"$@\"\n");
        assertThat(program.toFile().setExecutable(true)).isTrue();

        String line = ResumeCommand.of(work, program.toString(), work.resolve("run"));
        ProcessBuilder shell =
                new ProcessBuilder("sh", "-c", line).directory(Path.of("/").toFile());
        shell.environment().put("LC_ALL", "C.UTF-8");
        Process process = shell.redirectErrorStream(true).start();

        assertThat(new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                .isEqualTo(work + "|distill|--resume|" + work.resolve("run") + "|");
        assertThat(process.waitFor()).isZero();
    }
}
