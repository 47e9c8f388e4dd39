package org.mohawk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Going on with a run whose teacher or texts are not what they were. */
class ResumeCommandTest {
    private static final int VOCABULARY = 128;

    @TempDir
    private Path folder;

    private Path teacher;
    private Path text;
    private Path run;

    @BeforeEach
    void distill() throws IOException {
        teacher = Files.createDirectory(folder.resolve("teacher"));
        for (String name : List.of("config.json", "model.safetensors")) {
            Files.copy(CommandRun.golden("teacher").resolve(name), teacher.resolve(name));
        }
        InterruptedRuns.numberedWords(VOCABULARY, teacher.resolve("tokenizer.json"));
        text = InterruptedRuns.text(VOCABULARY, 600, folder.resolve("text.txt"));
        run = folder.resolve("run");
        List<String> options = new ArrayList<>(List.of("distill", "--out", run.toString()));
        options.addAll(List.of("--teacher", teacher.toString(), "--text", text.toString(), "--held-out", "0.1"));
        options.addAll(List.of("--state-size", "16", "--context", "16", "--batch", "2", "--tokens", "96"));
        options.addAll(List.of("--split", "0,0,1", "--threads", "1", "--windows", "1", "--report", "false"));
        options.addAll(List.of("--checkpoint-every", "1", "--top-k", "9", "--teacher-cache", folder + "/tokens"));
        CommandRun first = CommandRun.of(options.toArray(String[]::new)).succeeds();
        long bytes = Files.size(folder.resolve("tokens"));
        assertThat(first.out())
                .contains("cache     at most " + String.format(Locale.ROOT, "%,d", bytes) + " bytes of 6 windows");
    }

    private CommandRun resume(String... more) {
        List<String> words = new ArrayList<>(List.of("distill", "--resume", run.toString()));
        words.addAll(List.of(more));
        return CommandRun.of(words.toArray(String[]::new));
    }

    @Test
    void anotherTeacherIsRefusedUnlessForced() throws IOException {
        resume().succeeds();
        byte[] student = Files.readAllBytes(run.resolve("student/model.safetensors"));
        byte[] inputs = Files.readAllBytes(run.resolve("inputs.json"));
        Path weights = teacher.resolve("model.safetensors");
        byte[] bytes = Files.readAllBytes(weights);
        bytes[bytes.length / 2] ^= 1;
        Files.write(weights, bytes);

        resume().refuses("expected the teacher and texts that it was begun with, found changes: teacher"
                + " model.safetensors has other contents; --force accepts them");
        assertThat(run.resolve("inputs.json")).hasBinaryContent(inputs);

        Files.delete(folder.resolve("tokens"));
        resume("--force").succeeds();
        resume().succeeds();
        assertThat(run.resolve("student/model.safetensors")).hasBinaryContent(student);
    }

    /** As many tokens as before, so that nothing else would tell. */
    @Test
    void anotherTextOfTheSameLengthIsRefused() throws IOException {
        Files.writeString(text, Files.readString(text).replaceFirst("w\\d+ ", "w5 "));

        resume().refuses("found changes: text " + text + " had");
    }

    @Test
    void aRunOfAnOlderVersionGoesOnAndIsSafeFromThenOn() throws IOException {
        Files.delete(run.resolve("inputs.json"));
        resume().succeeds();
        Files.writeString(run.resolve("inputs.json"), "{\"teacher\":{}");

        resume().refuses("inputs.json: not valid JSON");
    }
}
