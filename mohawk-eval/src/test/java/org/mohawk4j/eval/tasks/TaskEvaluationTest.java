package org.mohawk4j.eval.tasks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.eval.likelihood.LogLikelihood;
import org.mohawk4j.eval.likelihood.Request;

/** Scores of small files, worked out by hand for a model whose log-likelihoods are given. */
class TaskEvaluationTest {
    private static final Offset<Double> EXACT = Offset.offset(1e-12);
    private static final Map<String, String> IDENTITY = Map.of("model", "m", "dtype", "float");

    @TempDir
    Path folder;

    private final WordTokenizer tokenizer = new WordTokenizer();

    /** Finds each word of a continuation the less likely the longer it is: −1 for each letter; {@code !} is greedy. */
    private final class LetterModel implements LogLikelihood {
        private final int most;
        private final List<String> asked = new ArrayList<>();

        LetterModel(int most) {
            this.most = most;
        }

        @Override
        public List<Score> score(List<Request> requests) {
            List<Score> scores = new ArrayList<>();
            for (Request request : requests) {
                StringBuilder continuation = new StringBuilder();
                for (int i = request.from(); i < request.length(); i++) {
                    continuation.append(tokenizer.decode(request.id(i)));
                }
                String text = continuation.toString().strip();
                if (asked.size() == most) {
                    throw new IllegalStateException("killed");
                }
                asked.add(text);
                double letters = text.chars().filter(Character::isLetter).count();
                scores.add(new Score(List.of(-letters), text.endsWith("!"), List.of()));
            }
            return scores;
        }
    }

    private TaskScore run(String task, LogLikelihood model) {
        try (TaskAnswers answers = TaskAnswers.open(folder.resolve("answers.jsonl"), IDENTITY)) {
            return new TaskEvaluation(model, tokenizer, 100)
                    .run(Task.named(task), Task.named(task).file(folder), answers, (t, done, total) -> {});
        }
    }

    @Test
    void accuracyTakesTheLikeliestAndItsNormedFormTheLikeliestByByte() throws IOException {
        // sums −2, −3: right by sum; by byte −2/2 = −1, −3/6 = −0.5: wrong
        // sums −4, −1: wrong by sum; by byte −4/4 = −1, −1/1 = −1: equal, so the first: right
        // sums −3, −2: right by sum; by byte −1, −1 (2 letters, 2 bytes): the first: wrong
        // sums −1, −1: equal, so the first: right both ways (−1/2 each, an é has two bytes)
        Files.writeString(folder.resolve("piqa.jsonl"), """
                {"goal":"g","sol1":"ab","sol2":"abc...","label":0}
                {"goal":"g","sol1":"abcd","sol2":"a","label":0}
                {"goal":"g","sol1":"abc","sol2":"ab","label":1}
                {"goal":"g","sol1":"\u00e9","sol2":"\u00e8","label":0}
                """);

        TaskScore score = run("piqa", new LetterModel(100));

        assertThat(score.items()).isEqualTo(4);
        assertThat(score.figures().get("acc")).isEqualTo(0.75);
        // sample variance (3·(1/4)² + (3/4)²)/3 = 1/4, over 4 questions
        assertThat(score.figures().get("acc_stderr")).isCloseTo(0.25, EXACT);
        assertThat(score.figures().get("acc_norm")).isEqualTo(0.5);
        assertThat(score.figures().get("acc_norm_stderr")).isCloseTo(Math.sqrt(1.0 / 3 / 4), EXACT);
    }

    @Test
    void lambadaCountsWhatGreedyDecodingWritesAndGivesAPerplexity() throws IOException {
        Files.writeString(folder.resolve("lambada.jsonl"), """
                {"text":"one two abc!"}
                {"text":"one two abcde"}
                """);

        TaskScore score = run("lambada", new LetterModel(100));

        assertThat(score.figures().keySet()).containsExactly("acc", "acc_stderr", "perplexity", "perplexity_stderr");
        assertThat(score.figures().get("acc")).isEqualTo(0.5);
        assertThat(score.figures().get("acc_stderr")).isCloseTo(0.5, EXACT);
        // mean of −3 and −5; their sample deviation √2 over √2 is 1
        assertThat(score.figures().get("perplexity")).isCloseTo(Math.exp(4), Offset.offset(1e-9));
        assertThat(score.figures().get("perplexity_stderr")).isCloseTo(Math.exp(4), Offset.offset(1e-9));
    }

    @Test
    void winograndeComparesTheSameWordsAfterEachOption() throws IOException {
        Files.writeString(folder.resolve("winogrande.jsonl"), """
                {"sentence":"As _ was late","option1":"Ann","option2":"Bo","answer":"1"}
                {"sentence":"As _ was late","option1":"Ann","option2":"Bo","answer":"2"}
                """);
        LetterModel model = new LetterModel(100);

        assertThat(run("winogrande", model).figures().get("acc")).isEqualTo(0.5);
        assertThat(model.asked).containsOnly("was late");
    }

    @Test
    void aRunThatWasKilledGoesOnWhereItWas() throws IOException {
        StringBuilder lines = new StringBuilder();
        for (int i = 0; i < 300; i++) {
            lines.append("{\"goal\":\"g\",\"sol1\":\"")
                    .append("a".repeat(i % 7 + 1))
                    .append("\",\"sol2\":\"abcd\",\"label\":0}\n");
        }
        Files.writeString(folder.resolve("piqa.jsonl"), lines);
        assertThatThrownBy(() -> run("piqa", new LetterModel(400))).hasMessage("killed");
        Path answers = folder.resolve("answers.jsonl");
        long kept = Files.readAllLines(answers).size();
        Files.writeString(answers, Files.readString(answers) + "{\"task\":\"piqa\",\"item\":29");

        LetterModel second = new LetterModel(1000);
        TaskScore resumed = run("piqa", second);
        Files.delete(answers);
        TaskScore whole = run("piqa", new LetterModel(1000));

        assertThat(kept)
                .as("a line for the model, one for the questions, and 128 answers")
                .isEqualTo(130);
        assertThat(second.asked).hasSize(600 - 256);
        assertThat(resumed).isEqualTo(whole);
    }

    @Test
    void answersOfAnotherModelOrToOtherQuestionsAreRefused() throws IOException {
        Path file = folder.resolve("piqa.jsonl");
        Files.writeString(file, "{\"goal\":\"g\",\"sol1\":\"a\",\"sol2\":\"b\",\"label\":0}\n");
        run("piqa", new LetterModel(100));
        Files.writeString(file, "{\"goal\":\"g\",\"sol1\":\"a\",\"sol2\":\"b\",\"label\":1}\n");

        assertThatThrownBy(() -> run("piqa", new LetterModel(100)))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("questions other than those of " + file);
        assertThatThrownBy(() -> TaskAnswers.open(folder.resolve("answers.jsonl"), Map.of("model", "n")))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("these answers are of model m, not of n");
    }

    @Test
    void damagedAnswersAreRefused() throws IOException {
        Files.writeString(folder.resolve("piqa.jsonl"), "{\"goal\":\"g\",\"sol1\":\"a\",\"sol2\":\"b\",\"label\":0}\n");
        run("piqa", new LetterModel(100));
        Path answers = folder.resolve("answers.jsonl");
        String good = Files.readString(answers);
        Files.writeString(answers, good.replace("[-1.0,-1.0]", "[-1.0]"));
        assertThatThrownBy(() -> run("piqa", new LetterModel(100)))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("question 0 has 2 choices");
        Files.writeString(answers, good.replace("[-1.0,-1.0]", "[-1.0,1e999]"));
        assertThatThrownBy(() -> run("piqa", new LetterModel(100)))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("line 3");
    }
}
