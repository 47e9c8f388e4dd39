package org.mohawk4j.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GenerateCommandTest {
    private final Path teacher = EmbeddedTeacher.unpack();

    private String generate(String... more) {
        String[] arguments = {"generate", "--model", teacher.toString(), "--threads", "1", "--max-tokens", "12"};
        String[] all = java.util.Arrays.copyOf(arguments, arguments.length + more.length);
        System.arraycopy(more, 0, all, arguments.length, more.length);
        return CommandRun.of(all).succeeds().out();
    }

    @Test
    void theLikeliestContinuationIsThatOfTheReference() {
        assertThat(generate("--prompt", "It was a dark and stormy night, and the old man"))
                .isEqualToIgnoringNewLines("It was a dark and stormy night, and the old man"
                        + " who had been in the house, and had been in the");
    }

    @Test
    void theSameSeedGivesTheSameText() {
        String first = generate("--temperature", "1", "--seed", "3");
        assertThat(generate("--temperature", "1", "--seed", "3")).isEqualTo(first);
        assertThat(generate("--temperature", "1", "--seed", "4")).isNotEqualTo(first);
        assertThat(generate("--top-k", "5", "--seed", "3")).isNotEqualTo(generate());
    }

    @Test
    void aPromptThatBeginsWithAnAtSignIsTakenAsGiven(@TempDir Path folder) throws IOException {
        Path arguments = Files.writeString(folder.resolve("arguments"), "It was");

        for (String prompt : List.of("@" + arguments, "@" + folder, "@@x", "@nobody", "@")) {
            assertThat(generate("--prompt", prompt)).startsWith(prompt);
        }
    }

    @Test
    void anUnfinishedCharacterOfThePromptDoesNoHarm() {
        assertThat(generate("--prompt", "caf\u00e9 \ud83d\ude00")).startsWith("caf\u00e9 \ud83d\ude00");
    }
}
