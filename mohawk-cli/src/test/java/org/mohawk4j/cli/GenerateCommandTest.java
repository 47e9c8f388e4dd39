package org.mohawk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mohawk4j.train.sample.EmbeddedTeacher;

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
    void temperatureZeroIsGreedyDecoding() {
        assertThat(generate("--temperature", "0", "--prompt", "It was")).isEqualTo(generate("--prompt", "It was"));
        assertThat(generate("--temperature", "0", "--top-p", "0.9", "--seed", "5"))
                .isEqualTo(generate());
    }

    @Test
    void aPromptThatBeginsWithAnAtSignIsTakenAsGiven(@TempDir Path folder) throws IOException {
        Path arguments = Files.writeString(folder.resolve("arguments"), "It was");

        for (String prompt : List.of("@" + arguments, "@" + folder, "@@x", "@nobody", "@")) {
            assertThat(generate("--prompt", prompt)).startsWith(prompt);
        }
    }

    @Test
    void promptAndCompletionReadAsOneText(@TempDir Path folder) throws IOException {
        chain(
                folder,
                "{\"type\":\"WordPiece\",\"prefix\":\"##\",\"cleanup\":true}",
                "it",
                "is",
                "ok",
                ".",
                "no",
                "##t");

        assertThat(continued(folder, "it", 5)).isEqualTo("it is ok. not");
        assertThat(continued(folder, "no ok", 2)).isEqualTo("no ok. no");
    }

    @Test
    void bytesOfCharactersAreText(@TempDir Path folder) throws IOException {
        chain(
                folder,
                "{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"}]}",
                "a",
                "<0xE2>",
                "<0x82>",
                "<0xAC>",
                "b",
                "<0xF0>",
                "<0x9F>",
                "<0x98>",
                "<0x80>");

        assertThat(continued(folder, "a", 8)).isEqualTo("a\u20acb\ud83d\ude00");
        assertThat(continued(folder, "a", 6)).isEqualTo("a\u20acb\ufffd\ufffd");
    }

    @Test
    void idsBeyondTheTokenizerAddNothing(@TempDir Path folder) throws IOException {
        chain(folder, "{\"type\":\"Fuse\"}", "q", "z");

        assertThat(continued(folder, "z", 24)).isEqualTo("zqz");
    }

    @Test
    void anyNumberOfTokensIsComparedWithThePositions() {
        CommandRun.of("generate", "--model", teacher.toString(), "--prompt", "It", "--max-tokens", "2147483647")
                .refuses("prompt of 1 tokens and 2147483647 new ones: expected at most 2048 together");
    }

    @Test
    void aConversationIsRenderedAndItsReplyAlonePrinted(@TempDir Path folder) throws IOException {
        chain(
                folder,
                "{\"type\":\"WordPiece\",\"prefix\":\"##\",\"cleanup\":true}",
                "user",
                "it",
                "is",
                "ok",
                "be",
                "END");
        Files.writeString(
                folder.resolve("tokenizer_config.json"),
                "{\"eos_token\":\"END\",\"chat_template\":"
                        + "\"{% for m in messages %}{{ m.content }} {% endfor %}user\"}");

        assertThat(continued(folder, "ok", 9, "--chat")).isEqualTo(" it is ok be");
        assertThat(continued(folder, "ok", 9, "--chat", "--system", "be")).isEqualTo(" it is ok be");
        Files.writeString(
                folder.resolve("tokenizer_config.json"),
                "{\"chat_template\":\"{{ messages[0].role }} {{ messages[0].content }}\"}");
        assertThat(continued(folder, "ok", 1, "--chat", "--system", "is"))
                .as("first")
                .isEqualTo(" ok");
    }

    @Test
    void aModelWithoutAChatTemplateIsOneLine() {
        CommandRun.of("generate", "--model", teacher.toString(), "--prompt", "It", "--chat")
                .refuses("expected a chat template in tokenizer_config.json or chat_template.jinja, found none");
        CommandRun.of("generate", "--model", teacher.toString(), "--prompt", "It", "--system", "x")
                .refuses("system: expected --chat beside it");
    }

    @Test
    void bosStandsBeforeAPromptUnlessTold(@TempDir Path folder) throws IOException {
        chain(folder, "{\"type\":\"Fuse\"}", "a", "b", "c", "d");
        Files.writeString(folder.resolve("tokenizer_config.json"), "{\"add_bos_token\":true,\"bos_token\":\"c\"}");

        assertThat(continued(folder, "", 1)).as("d follows BOS").isEqualTo("d");
        // 63 of the model's 64 positions are left for tokens, one of them BOS's
        assertThat(continued(folder, "a", 62)).startsWith("abcd");
        CommandRun.of("generate", "--model", folder.toString(), "--prompt", "a", "--max-tokens", "63")
                .refuses("prompt of 2 tokens");
        assertThat(continued(folder, "a", 63, "--bos", "never")).startsWith("abcd");
        CommandRun.of("generate", "--model", teacher.toString(), "--prompt", "a", "--bos", "always")
                .refuses("expected a BOS token in its vocabulary");
    }

    private static String continued(Path model, String prompt, int tokens, String... more) {
        List<String> arguments = new ArrayList<>(List.of("generate", "--model", model.toString(), "--prompt", prompt));
        arguments.addAll(List.of("--max-tokens", String.valueOf(tokens), "--threads", "1"));
        arguments.addAll(List.of(more));
        return CommandRun.of(arguments.toArray(String[]::new)).succeeds().out().stripTrailing();
    }

    /** A model that writes these tokens in their order, and then what its tokenizer does not have. */
    private static void chain(Path folder, String decoder, String... tokens) throws IOException {
        Path chain = CommandRun.golden("x").getParent().resolveSibling("chain");
        for (String file : List.of("config.json", "model.safetensors")) {
            Files.copy(chain.resolve(file), folder.resolve(file));
        }
        String vocabulary = IntStream.range(0, tokens.length)
                .mapToObj(id -> "\"" + tokens[id] + "\":" + id)
                .collect(Collectors.joining(","));
        Files.writeString(
                folder.resolve("tokenizer.json"),
                "{\"pre_tokenizer\":{\"type\":\"WhitespaceSplit\"},\"decoder\":" + decoder
                        + ",\"model\":{\"type\":\"WordLevel\",\"unk_token\":\"" + tokens[0] + "\",\"vocab\":{"
                        + vocabulary + "}}}");
    }

    @Test
    void anUnfinishedCharacterOfThePromptDoesNoHarm() {
        assertThat(generate("--prompt", "caf\u00e9 \ud83d\ude00")).startsWith("caf\u00e9 \ud83d\ude00");
    }
}
