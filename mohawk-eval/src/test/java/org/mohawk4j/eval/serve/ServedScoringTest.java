package org.mohawk4j.eval.serve;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.eval.likelihood.LogLikelihood;
import org.mohawk4j.eval.likelihood.ModelLogLikelihood;
import org.mohawk4j.eval.likelihood.Request;
import org.mohawk4j.eval.tasks.Task;
import org.mohawk4j.eval.tasks.TaskAnswers;
import org.mohawk4j.eval.tasks.TaskEvaluation;
import org.mohawk4j.eval.tasks.TaskScore;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tokenizer.TokenizerJson;

/** A client that scores over HTTP, as lm-evaluation-harness does, finds what evaluating on the spot finds. */
class ServedScoringTest {
    @TempDir
    Path folder;

    /** {@code local-completions} of the harness: token ids, echo, one token, one log-probability. */
    private record Client(ServedTeacher served, List<Double> sums) implements LogLikelihood {
        @Override
        public List<Score> score(List<Request> requests) {
            List<Score> scores = new ArrayList<>();
            for (int from = 0; from < requests.size(); from += 5) {
                List<Request> batch = requests.subList(from, Math.min(requests.size(), from + 5));
                List<List<Integer>> prompts = batch.stream()
                        .map(request -> IntStream.range(0, request.length())
                                .mapToObj(request::id)
                                .toList())
                        .toList();
                JsonNode choices = served.complete("{\"model\":\"tiny\",\"prompt\":" + prompts
                                + ",\"temperature\":0,\"max_tokens\":1,\"logprobs\":1,\"seed\":1234,\"echo\":true}")
                        .path("choices");
                for (int i = 0; i < batch.size(); i++) {
                    scores.add(score(batch.get(i), choices.get(i).path("logprobs")));
                }
            }
            return scores;
        }

        private Score score(Request request, JsonNode logProbs) {
            assertThat(logProbs.path("token_logprobs")).hasSize(request.length() + 1);
            List<Double> own = new ArrayList<>();
            boolean greedy = true;
            for (int i = request.from(); i < request.length(); i++) {
                double logProb = logProbs.path("token_logprobs").get(i).asDouble();
                double largest = Double.NEGATIVE_INFINITY;
                for (JsonNode top : logProbs.path("top_logprobs").get(i)) {
                    largest = Math.max(largest, top.asDouble());
                }
                greedy &= logProb == largest;
                own.add(logProb);
            }
            Score score = new Score(own, greedy, List.of());
            sums.add(score.sum());
            return score;
        }
    }

    @Test
    void scoresOverHttpEqualThoseOnTheSpot() throws IOException {
        write();
        TokenizerJson tokenizer = TokenizerJson.load(ServedTeacher.TEACHER);
        List<Double> remote = new ArrayList<>();
        List<Double> local = new ArrayList<>();
        try (ServedTeacher served = new ServedTeacher(ServedTeacher.config(8));
                Engine engine = Engine.open("nd4j", BackendOptions.defaults());
                CausalLm model = ModelFolder.load(engine, ServedTeacher.TEACHER)) {
            LogLikelihood direct = new ModelLogLikelihood(model);
            for (String name : List.of("lambada", "hellaswag", "piqa", "arc_easy", "winogrande")) {
                TaskScore overHttp = run(name, new Client(served, remote), tokenizer, "remote.jsonl");
                TaskScore onTheSpot = run(
                        name,
                        requests -> {
                            List<LogLikelihood.Score> scores = direct.score(requests);
                            scores.forEach(score -> local.add(score.sum()));
                            return scores;
                        },
                        tokenizer,
                        "local.jsonl");

                assertThat(overHttp.figures().keySet())
                        .isEqualTo(onTheSpot.figures().keySet());
                onTheSpot
                        .figures()
                        .forEach((figure, value) -> assertThat(
                                        overHttp.figures().get(figure))
                                .as(name + " " + figure)
                                .isCloseTo(value, Offset.offset(Math.abs(value) * 1e-4 + 1e-9)));
            }
        }

        assertThat(remote).hasSameSizeAs(local).hasSizeGreaterThan(20);
        for (int i = 0; i < remote.size(); i++) {
            assertThat(remote.get(i)).isCloseTo(local.get(i), Offset.offset(1e-4));
        }
    }

    private TaskScore run(String name, LogLikelihood model, TokenizerJson tokenizer, String answers) {
        try (TaskAnswers kept = TaskAnswers.open(folder.resolve(answers), Map.of("model", "tiny"))) {
            Task task = Task.named(name);
            return new TaskEvaluation(model, tokenizer, 2048).run(task, task.file(folder), kept, (t, d, n) -> {});
        }
    }

    private void write() throws IOException {
        Files.writeString(folder.resolve("lambada.jsonl"), """
                {"text":"It was a dark and stormy night, and the old man"}
                {"text":"He went to the house, and he went to the house, and he went to the house"}
                {"text":"na\u00efve caf\u00e9 \u4e16\u754c \u00fcber"}
                """);
        Files.writeString(folder.resolve("hellaswag.jsonl"), """
                {"activity_label":"Walking","ctx_a":"A man goes home.","ctx_b":"he","endings":["opens the door.",\
                "eats the moon [x].","is green.","sleeps in the old house by the sea."],"label":"0"}
                {"activity_label":"Sailing","ctx_a":"The ship is at sea.","ctx_b":"","endings":["It sinks.",\
                "The captain sees land.","Cake.","No one was there, and he was gone."],"label":"1"}
                """);
        Files.writeString(folder.resolve("piqa.jsonl"), """
                {"goal":"To light a room,","sol1":"open the window.","sol2":"close the window.","label":0}
                {"goal":"To keep warm,","sol1":"make a fire","sol2":"go out into the snow","label":0}
                """);
        Files.writeString(folder.resolve("arc_easy.jsonl"), """
                {"question":"What is the sun?","choices":{"text":["a star","a stone","a ship"],"label":["A","B","C"]},\
                "answerKey":"A"}
                {"question":"Which is cold?","choices":{"text":["fire","ice"],"label":["1","2"]},"answerKey":"2"}
                """);
        Files.writeString(folder.resolve("winogrande.jsonl"), """
                {"sentence":"The man saw the boy as _ was old.","option1":"the man","option2":"the boy","answer":"1"}
                {"sentence":"Jane gave Mary a book since _ liked to give.","option1":"Jane","option2":"Mary","answer":"1"}
                """);
    }
}
