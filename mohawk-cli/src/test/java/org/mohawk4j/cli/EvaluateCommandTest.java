package org.mohawk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mohawk4j.train.sample.EmbeddedTeacher;

class EvaluateCommandTest {
    @TempDir
    Path folder;

    private final String teacher = EmbeddedTeacher.unpack().toString();

    @Test
    void aModelAgreesWithItselfAndTheReportIsThere() throws IOException {
        Path text = CommandRun.text(folder.resolve("text.txt"), 300);
        Path out = folder.resolve("out");
        String[] arguments = {
            "evaluate",
            "--model",
            teacher,
            "--text",
            text.toString(),
            "--context",
            "32",
            "--windows",
            "3",
            "--teacher",
            teacher,
            "--out",
            out.toString()
        };

        CommandRun run = CommandRun.of(arguments).succeeds();

        assertThat(run.value("tokens")).isEqualTo(96);
        assertThat(run.value("top1_agreement")).isEqualTo(1);
        assertThat(run.value("kl")).isCloseTo(0, Offset.offset(1e-6));
        assertThat(run.value("student.nll_per_token")).isCloseTo(run.value("nll_per_token"), Offset.offset(1e-4));
        assertThat(out.resolve("fidelity")).isDirectoryContaining("glob:**/index.html");
        JsonNode json = new ObjectMapper()
                .readTree(out.resolve("fidelity/fidelity.json").toFile());
        assertThat(json.at("/layers")).hasSize(4);
        assertThat(json.at("/about/teacher").asText()).isEqualTo(teacher);
        CommandRun.of(arguments).refuses("expected a folder without 'fidelity'");
    }

    @Test
    void textsBeginWithBosWhereTheTokenizerSaysSo() throws IOException {
        Path model = Files.createDirectory(folder.resolve("model"));
        Path chain = CommandRun.golden("x").getParent().resolveSibling("chain");
        for (String file : List.of("config.json", "model.safetensors")) {
            Files.copy(chain.resolve(file), model.resolve(file));
        }
        Files.writeString(
                model.resolve("tokenizer.json"),
                "{\"pre_tokenizer\":{\"type\":\"WhitespaceSplit\"},\"model\":{\"type\":\"WordLevel\",\"unk_token\":\"s\","
                        + "\"vocab\":{\"s\":0,\"a\":1,\"b\":2,\"e\":3}}}");
        Files.writeString(
                model.resolve("tokenizer_config.json"),
                "{\"add_bos_token\":true,\"bos_token\":\"s\",\"eos_token\":\"e\"}");
        Path text = Files.writeString(folder.resolve("text.txt"), "a b a b");
        String[] evaluate = {
            "evaluate", "--model", model.toString(), "--text", text.toString(), "--context", "4", "--bos", "auto"
        };

        assertThat(CommandRun.of(evaluate).succeeds().value("tokens"))
                .as("every word of the text, from BOS on")
                .isEqualTo(4);
        evaluate[evaluate.length - 1] = "never";
        CommandRun.of(evaluate).refuses("expected at least 5 tokens, one window of context 4 + 1, found 4");

        Path tokens = folder.resolve("tokens");
        String out = tokens.toString();
        CommandRun tokenized = CommandRun.of(
                        "tokenize", "--text", text.toString(), "--tokenizer", model.toString(), "--out", out)
                .succeeds();
        assertThat(tokenized.value("tokens")).as("BOS, text, end").isEqualTo(6);
        evaluate[4] = out;
        CommandRun.of(evaluate).refuses("expected documents that begin with no BOS token, found BOS token 0");
        evaluate[evaluate.length - 1] = "always";
        CommandRun.of(evaluate).succeeds();
    }

    @Test
    void jsonLinesAreReadByTheirField() throws IOException {
        Path text = CommandRun.text(folder.resolve("text.txt"), 300);
        Path lines = folder.resolve("text.jsonl");
        Files.writeString(
                lines, new ObjectMapper().writeValueAsString(Map.of("id", 1, "content", Files.readString(text))));

        CommandRun plain = evaluate("--text", text.toString(), "--windows", "2");
        CommandRun packed = evaluate("--text", lines.toString(), "--text-field", "content", "--windows", "2");
        CommandRun both = evaluate("--text", text.toString(), "--text", lines.toString(), "--text-field", "content");

        assertThat(plain.value("tokens")).isEqualTo(64);
        assertThat(packed.value("perplexity")).isEqualTo(plain.value("perplexity"));
        assertThat(both.value("tokens")).isGreaterThan(64);
    }

    private CommandRun evaluate(String... text) {
        List<String> arguments = new ArrayList<>(List.of("evaluate", "--model", teacher, "--context", "32"));
        arguments.addAll(List.of(text));
        return CommandRun.of(arguments.toArray(String[]::new)).succeeds();
    }

    @Test
    void tasksAreScoredAndAnswersKept() throws IOException {
        Files.writeString(folder.resolve("lambada.jsonl"), """
                {"text":"It was a dark and stormy night, and the old man"}
                {"text":"in the same, and in the same, and in the same"}
                """);
        Files.writeString(folder.resolve("winogrande.jsonl"), """
                {"sentence":"The man saw the boy as _ was old.","option1":"the man","option2":"the boy","answer":"1"}
                """);
        Path out = folder.resolve("out");
        String[] arguments = {
            "evaluate",
            "--model",
            teacher,
            "--tasks",
            " lambada_openai, WinoGrande ",
            "--task-data",
            folder.toString(),
            "--out",
            out.toString()
        };

        CommandRun run = CommandRun.of(arguments).succeeds();
        CommandRun again = CommandRun.of(arguments).succeeds();

        JsonNode scores =
                new ObjectMapper().readTree(out.resolve("tasks.json").toFile()).path("tasks");
        assertThat(scores.at("/lambada/items").asInt()).isEqualTo(2);
        assertThat(scores.at("/lambada/acc").asDouble()).isBetween(0.5, 1.0);
        assertThat(scores.at("/winogrande/acc_stderr").isNull()).isTrue();
        assertThat(run.lines()).anyMatch(line -> line.startsWith("task=lambada items=2 acc="));
        assertThat(again.lines().subList(again.lines().size() - 2, again.lines().size()))
                .isEqualTo(
                        run.lines().subList(run.lines().size() - 2, run.lines().size()));
        assertThat(out.resolve("answers.jsonl")).content().hasLineCount(6);
        CommandRun.of(
                        "evaluate",
                        "--model",
                        teacher,
                        "--dtype",
                        "double",
                        "--tasks",
                        "lambada",
                        "--task-data",
                        folder.toString(),
                        "--out",
                        out.toString())
                .refuses("answers.jsonl: line 1: these answers are of dtype float, not of double");
        Path answers = out.resolve("answers.jsonl");
        Files.writeString(answers, Files.readString(answers).replace("\"bos\":\"none\"", "\"bos\":\"7\""));
        CommandRun.of(arguments).refuses("answers.jsonl: line 1: these answers are of bos 7, not of none");
    }

    @Test
    void recallIsScoredByWhatAModelGeneratesWithoutFiles() throws IOException {
        Path out = folder.resolve("out");
        String[] arguments = {
            "evaluate", "--model", teacher, "--tasks", "Recall", "--context", "16", "--out", out.toString()
        };

        CommandRun run = CommandRun.of(arguments).succeeds();

        JsonNode recall =
                new ObjectMapper().readTree(out.resolve("tasks.json").toFile()).at("/tasks/recall");
        assertThat(recall.path("items").asInt()).isEqualTo(3 * 2 * 64);
        assertThat(recall.fieldNames())
                .toIterable()
                .contains("acc", "acc_stderr", "associative", "copying", "needle", "needle_4", "needle_8")
                .doesNotContain("needle_16");
        assertThat(run.lines().get(run.lines().size() - 1))
                .startsWith("task=recall items=384 acc=")
                .contains(" copying_8=");
        assertThat(CommandRun.of(arguments).succeeds().lines())
                .endsWith(run.lines().get(run.lines().size() - 1));
        CommandRun.of("evaluate", "--model", teacher, "--tasks", "recall", "--context", "8")
                .refuses("context: expected at least 11, got 8");
        CommandRun.of("evaluate", "--model", teacher, "--tasks", "recall,piqa")
                .refuses("task-data: expected --task-data DIR with the file of task piqa, found none");
        CommandRun.of("evaluate", "--model", teacher, "--tasks", "recal", "--task-data", folder.toString())
                .refuses("winogrande, recall, found 'recal'");
    }
}
