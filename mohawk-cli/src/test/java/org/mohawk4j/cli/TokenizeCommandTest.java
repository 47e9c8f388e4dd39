package org.mohawk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mohawk4j.data.tokens.TokenFile;
import org.mohawk4j.tokenizer.TokenizerJson;
import org.mohawk4j.train.sample.EmbeddedTeacher;

/** Token files, and runs on texts that are streamed. */
class TokenizeCommandTest {
    private static final String TEACHER = EmbeddedTeacher.unpack().toString();

    @TempDir
    Path folder;

    private final List<String> documents = new ArrayList<>();

    @BeforeEach
    void writeTexts() throws IOException {
        Files.createDirectory(folder.resolve("c4"));
        for (int file = 0; file < 3; file++) {
            try (OutputStream lines =
                    new GZIPOutputStream(Files.newOutputStream(folder.resolve("c4/" + file + ".json.gz")))) {
                for (int i = 0; i < 40; i++) {
                    String text = "The old man " + i + " went to house " + file + ", and she said nothing more.";
                    documents.add(text);
                    lines.write(("{\"url\":\"u\",\"text\":\"" + text + "\"}\n").getBytes(StandardCharsets.UTF_8));
                }
            }
        }
    }

    private String path(String name) {
        return folder.resolve(name).toString();
    }

    private CommandRun tokenize(String out, String... more) {
        return CommandRun.of(Stream.concat(
                        Stream.of(
                                "tokenize", "--text", path("c4/*.json.gz"), "--tokenizer", TEACHER, "--out", path(out)),
                        Arrays.stream(more))
                .toArray(String[]::new));
    }

    private static String decoded(TokenFile file) {
        return TokenizerJson.load(Path.of(TEACHER)).decode(file.chunk(0));
    }

    @Test
    void filesOfAFolderThatAreNotReadAreTold() throws IOException {
        assertThat(tokenize("all").succeeds().out()).doesNotContain("not read");
        for (String name : List.of("c4/README.md", "c4/4.json.bz2", "c4/.hidden")) {
            Files.writeString(folder.resolve(name), "text");
        }

        CommandRun run = CommandRun.of("tokenize", "--text", path("c4"), "--tokenizer", TEACHER, "--out", path("some"));

        assertThat(run.succeeds().lines())
                .contains("not read  2 files of no known kind: " + path("c4/4.json.bz2") + ", " + path("c4/README.md"));
    }

    @Test
    void tokenFilesHoldTheDocumentsEachWithItsEnd() {
        CommandRun run = tokenize("tokens").succeeds();

        TokenFile file = TokenFile.open(folder.resolve("tokens/00000.tokens"));
        assertThat(decoded(file)).isEqualTo(String.join("<|endoftext|>", documents) + "<|endoftext|>");
        assertThat(run.value("tokens")).isEqualTo(file.tokens());
        assertThat(run.value("documents")).isEqualTo(documents.size());
        assertThat(run.value("files")).isEqualTo(1);
    }

    @Test
    void filesEndWithDocumentsAndTheirSizeChangesNothingElse() throws IOException {
        CommandRun run =
                tokenize("tokens", "--tokens-per-file", "500", "--readers", "4").succeeds();

        StringBuilder all = new StringBuilder();
        try (Stream<Path> files = Files.list(folder.resolve("tokens"))) {
            for (Path file : files.sorted().toList()) {
                String text = decoded(TokenFile.open(file));
                assertThat(text).endsWith("<|endoftext|>");
                all.append(text);
            }
        }
        assertThat(run.value("files")).isGreaterThan(2);
        assertThat(all.toString()).isEqualTo(String.join("<|endoftext|>", documents) + "<|endoftext|>");
    }

    @Test
    void whatGoesWrongLeavesNothing() throws IOException {
        Files.writeString(folder.resolve("c4/9.jsonl"), "{\"text\":\"fine\"}\n{\"txt\":\"not\"}\n");

        CommandRun.of("tokenize", "--text", path("c4"), "--tokenizer", TEACHER, "--out", path("tokens"))
                .refuses("9.jsonl, line 2: expected a field 'text', found none");
        CommandRun.of("tokenize", "--text", path("c4=1"), "--text", path("c4=2"), "--tokenizer", TEACHER, "--out", "x")
                .refuses("expected no weights");
        tokenize("c4").refuses("expected a new or empty folder");
        tokenize("tokens", "--tokens-per-file", "0").refuses("tokens-per-file: expected");

        try (Stream<Path> left = Files.list(folder)) {
            assertThat(left).containsExactly(folder.resolve("c4"));
        }
    }

    @Test
    void aRunOnTextsAndOneOnTheirTokensAreTheSameForAnyNumberOfReaders() throws IOException {
        String valid = CommandRun.text(folder.resolve("valid.txt"), 60).toString();
        for (int file = 0; file < 3; file++) {
            CommandRun.of(
                            "tokenize",
                            "--text",
                            path("c4/" + file + ".json.gz"),
                            "--tokenizer",
                            TEACHER,
                            "--out",
                            path("t" + file))
                    .succeeds();
            Files.createDirectories(folder.resolve("tokens"));
            Files.move(folder.resolve("t" + file + "/00000.tokens"), folder.resolve("tokens/" + file + ".tokens"));
        }

        CommandRun texts = distill("a", valid, "--text", path("c4"), "--readers", "1");
        CommandRun tokens = distill("b", valid, "--text", path("tokens"), "--readers", "3");

        assertThat(texts.out()).contains("in 3 files to train on, streamed,");
        assertThat(folder.resolve("b/student/model.safetensors"))
                .hasSameBinaryContentAs(folder.resolve("a/student/model.safetensors"));
        assertThat(tokens.value("student.nll_per_token")).isEqualTo(texts.value("student.nll_per_token"));
    }

    private CommandRun distill(String run, String valid, String... more) {
        List<String> arguments = new ArrayList<>(List.of("distill", "--out", path(run), "--valid", valid));
        arguments.addAll(List.of("--context", "32", "--batch", "2", "--tokens", "192", "--split", "0,0,1"));
        arguments.addAll(List.of("--threads", "1", "--windows", "2", "--report", "false", "--shuffle", "3"));
        arguments.addAll(List.of(more));
        return CommandRun.of(arguments.toArray(String[]::new)).succeeds();
    }

    @Test
    void textsOfAnyKindMayBeEvaluatedOnAndMixturesHaveWeights() throws IOException {
        String plain = CommandRun.text(folder.resolve("plain.txt"), 200).toString();

        CommandRun run = distill("run", path("c4/2.json.gz"), "--text", path("c4") + "=3", "--text", plain + "=1");

        assertThat(run.out()).contains("in 4 files to train on, streamed,");
        assertThat(run.value("teacher.tokens")).isEqualTo(64);
        assertThat(folder.resolve("run/config.yaml")).content().contains("plain.txt=1");
    }

    @Test
    void textsThatAreStreamedNeedOthersToEvaluateOn() {
        CommandRun.of("distill", "--text", path("c4"), "--out", path("run"))
                .refuses("valid: expected texts to evaluate on beside " + path("c4") + ", which is streamed");
        assertThat(folder.resolve("run")).doesNotExist();
    }
}
