package org.mohawk4j.eval.tasks;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.eval.tasks.TaskItem.Choice;
import org.mohawk4j.tokenizer.jinja.value.PythonText;

/** Prompts and answers, against what the harness's task definitions make of the same lines. */
class TaskItemsTest {
    @TempDir
    Path folder;

    @Test
    void lambadaScoresTheLastWord() throws IOException {
        TaskItem item = only("lambada", "lambada_test.jsonl", "{\"text\":\"he looked at the sea.  \\nAnd left\"}");

        assertThat(item.choices()).containsExactly(new Choice("he looked at the sea.  \nAnd", " left", 4));
    }

    @Test
    void lambadaOfASingleWordHasNoContext() throws IOException {
        assertThat(only("lambada", "lambada.jsonl", "{\"text\":\"sea\"}").choices())
                .containsExactly(new Choice("", " sea", 3));
    }

    @Test
    void hellaswagIsCleanedAndItsSecondPartCapitalised() throws IOException {
        TaskItem item = only("hellaswag", "hellaswag_val.jsonl", """
                {"activity_label":"Baking","ctx_a":"[header] How to bake [title] Mix it.","ctx_b":"the Cook",\
                "endings":["  stirs [substeps] twice.","[step]sleeps\\u00a0"],"label":1,"ctx":"unused"}""");

        String query = "Baking:  How to bake. Mix it. The cook";
        assertThat(item.gold()).isEqualTo(1);
        assertThat(item.choices())
                .containsExactly(
                        new Choice(query.replace("  ", " "), " stirs twice.", 12),
                        new Choice(query.replace("  ", " "), " sleeps", 6));
    }

    @Test
    void piqaTakesItsLabelFromTheFileBesideOrTheLine() throws IOException {
        Files.createDirectory(folder.resolve("piqa"));
        Files.writeString(folder.resolve("piqa/valid-labels.lst"), "1\n0\n");
        Files.writeString(folder.resolve("piqa/valid.jsonl"), """
                {"goal":"Boil eggs.","sol1":"no water","sol2":"w\u00e4ter"}
                {"goal":"Cut.","sol1":"knife","sol2":"spoon"}
                """);
        List<TaskItem> items = items("piqa");
        Files.delete(folder.resolve("piqa/valid-labels.lst"));
        Files.writeString(
                folder.resolve("piqa/valid.jsonl"), "{\"goal\":\"a\",\"sol1\":\"b\",\"sol2\":\"c\",\"label\":1}");

        assertThat(items).extracting(TaskItem::gold).containsExactly(1, 0);
        assertThat(items.get(0).choices())
                .containsExactly(
                        new Choice("Question: Boil eggs.\nAnswer:", " no water", 8),
                        new Choice("Question: Boil eggs.\nAnswer:", " w\u00e4ter", 6));
        assertThat(items("piqa")).extracting(TaskItem::gold).containsExactly(1);
    }

    @Test
    void arcIsReadInBothItsLayouts() throws IOException {
        List<Choice> choices = List.of(
                new Choice("Question: Why?\nAnswer:", " so", 2), new Choice("Question: Why?\nAnswer:", " no", 2));
        TaskItem original = only("arc_easy", "ARC-Easy-Test.jsonl", """
                {"id":"x","question":{"stem":"Why?","choices":[{"text":"so","label":"1"},{"text":"no","label":"2"}]},\
                "answerKey":"2"}""");
        TaskItem hub = only("arc_challenge", "arc_challenge.jsonl", """
                {"question":"Why?","choices":{"text":["so","no"],"label":["A","B"]},"answerKey":"A"}""");

        assertThat(original.choices()).isEqualTo(choices);
        assertThat(original.gold()).isEqualTo(1);
        assertThat(hub.choices()).isEqualTo(choices);
        assertThat(hub.gold()).isZero();
    }

    @Test
    void winograndeScoresWhatFollowsTheBlankAfterEachOption() throws IOException {
        TaskItem item = only("winogrande", "winogrande.jsonl", """
                {"qID":"q","sentence":"Ann met Bo as _ was late .","option1":"Ann","option2":"Bo","answer":"2"}""");

        assertThat(item.gold()).isEqualTo(1);
        assertThat(item.choices())
                .containsExactly(
                        new Choice("Ann met Bo as Ann", " was late .", 10),
                        new Choice("Ann met Bo as Bo", " was late .", 10));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            lambada       | {"txt":"a b"}                                                        | text is missing
            lambada       | {"text":"a","text":"b"}                                              | not valid JSON
            lambada       | [1]                                                                  | expected a JSON object
            piqa          | {"goal":"a","sol1":"b","sol2":"c","label":-1}                        | label: expected a whole number from 0 to 1
            piqa          | {"goal":"a","sol1":"b","sol2":"c"}                                   | label is missing
            arc_easy      | {"question":"a","choices":{"text":["b"],"label":["A"]},"answerKey":"C"} | answerKey: expected one of [A]
            winogrande    | {"sentence":"no blank","option1":"a","option2":"b","answer":"1"}     | sentence: expected a sentence with a blank
            winogrande    | {"sentence":"a _","option1":"a","option2":"b","answer":""}           | answer: expected 1 or 2
            hellaswag     | {"activity_label":"a","ctx_a":"b","ctx_b":"c","endings":[1],"label":"0"} | endings: expected a list of texts
            """)
    void aLineThatIsNoQuestionIsNamed(String task, String line, String message) throws IOException {
        Path file = Files.writeString(folder.resolve(task + ".jsonl"), "\n" + line + "\n");

        assertThatThrownBy(() -> items(task))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageStartingWith(file + ": line 2: ")
                .hasMessageContaining(message);
    }

    @Test
    void labelsAndQuestionsMustBeAsMany() throws IOException {
        Files.writeString(folder.resolve("piqa.jsonl"), "{\"goal\":\"a\",\"sol1\":\"b\",\"sol2\":\"c\"}\n");
        Files.writeString(folder.resolve("piqa-labels.lst"), "0\n1\n");

        assertThatThrownBy(() -> items("piqa")).hasMessageContaining("as its 1 questions, found 2");
    }

    @Test
    void aMissingFileAndTwoOfThemAreRefused() throws IOException {
        assertThatThrownBy(() -> Task.named("piqa").file(folder))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("valid.jsonl")
                .hasMessageContaining("found none");
        Files.createDirectory(folder.resolve("piqa"));
        Files.writeString(folder.resolve("piqa.jsonl"), "");
        Files.writeString(folder.resolve("piqa/dev.jsonl"), "");
        assertThatThrownBy(() -> Task.named("piqa").file(folder)).hasMessageContaining("piqa/dev.jsonl");
        assertThatThrownBy(() -> Task.named("pica"))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("arc_challenge")
                .hasMessageContaining("found 'pica'");
    }

    @ParameterizedTest
    @CsvSource({
        "lambada_openai, lambada",
        "lambada_openai_mt_en, lambada",
        "' arc_easy ', arc_easy",
        "ARC-Challenge, arc_challenge",
        "HellaSwag, hellaswag"
    })
    void aTaskHasTheNamesOfTheHarness(String name, String label) {
        assertThat(Task.named(name).label()).isEqualTo(label);
    }

    @Test
    void aByteOrderMarkIsPassedOver() throws IOException {
        String question = "{\"goal\":\"a\",\"sol1\":\"b\",\"sol2\":\"\uFEFF\"}";
        Files.writeString(folder.resolve("piqa.jsonl"), "\uFEFF" + question + "\n" + question);
        Files.writeString(folder.resolve("piqa-labels.lst"), "\uFEFF1\n0\n");

        assertThat(items("piqa")).extracting(TaskItem::gold).containsExactly(1, 0);
        assertThat(items("piqa").get(0).choices().get(1).continuation()).isEqualTo(" \uFEFF");

        Files.writeString(folder.resolve("piqa.jsonl"), question + "\n\uFEFF" + question);
        assertThatThrownBy(() -> items("piqa")).hasMessageContaining("line 2: not valid JSON");
    }

    @Test
    void whatIsNotUtf8IsToldWithItsPlace() throws IOException {
        Files.write(folder.resolve("lambada.jsonl"), "{\"text\":\"a b\"}\n{\"text\":\"\u00e9\"}".getBytes(ISO_8859_1));

        assertThatThrownBy(() -> items("lambada"))
                .hasMessageContaining("line 2: expected UTF-8, found byte 0xe9 at offset 24");
    }

    @Test
    void anEndlessLineIsRefused() throws IOException {
        Files.writeString(folder.resolve("lambada.jsonl"), "x".repeat((1 << 20) + 1));

        assertThatThrownBy(() -> items("lambada")).hasMessageContaining("line 1: expected at most 1048576 bytes");
    }

    @Test
    void textIsTrimmedAndCapitalisedAsPythonDoes() {
        assertThat(PythonText.strip("\u00a0\u2007 a b\u0085\u202f")).isEqualTo("a b");
        assertThat(PythonText.strip(" \n")).isEmpty();
        assertThat(PythonText.capitalize("the NASA \u00c9T\u00c9")).isEqualTo("The nasa \u00e9t\u00e9");
        assertThat(PythonText.capitalize("\u01c6x")).isEqualTo("\u01c5x");
        assertThat(PythonText.capitalize("")).isEmpty();
    }

    private TaskItem only(String task, String file, String line) throws IOException {
        Files.writeString(folder.resolve(file), line + "\n");
        return items(task).get(0);
    }

    private List<TaskItem> items(String task) {
        return Task.named(task).items(Task.named(task).file(folder));
    }
}
