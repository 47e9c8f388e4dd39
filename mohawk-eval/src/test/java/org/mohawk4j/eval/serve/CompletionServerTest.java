package org.mohawk4j.eval.serve;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CompletionServerTest {
    /** What transformers gives for the teacher: reference.json beside it. */
    private static final String PROMPT = "It was a dark and stormy night, and the old man";

    private static final String IDS = "[870,312,259,1342,279,349,286,1968,897,12,279,263,616,447]";

    private static ServedTeacher served;

    @BeforeAll
    static void open() {
        served = new ServedTeacher(ServedTeacher.config(8));
    }

    @AfterAll
    static void close() {
        served.close();
    }

    @Test
    void theModelIsListed() {
        JsonNode list = ServedTeacher.json(
                served.send(served.request("/v1/models").build()).body());

        assertThat(list.at("/object").asText()).isEqualTo("list");
        assertThat(list.at("/data/0/id").asText()).isEqualTo("tiny");
        assertThat(served.send(served.request("/v1/models/tiny").build()).statusCode())
                .isEqualTo(200);
        assertThat(served.send(served.request("/health").build()).body()).contains("ok");
    }

    @Test
    void textAndIdsAreTheSamePrompt() {
        JsonNode text = served.complete(
                "{\"prompt\":\"" + PROMPT + "\",\"max_tokens\":7,\"temperature\":0,\"model\":\"whatever\"}");
        JsonNode ids = served.complete("{\"prompt\":" + IDS + ",\"max_tokens\":7,\"temperature\":0}");

        assertThat(text.at("/object").asText()).isEqualTo("text_completion");
        assertThat(text.at("/model").asText()).isEqualTo("tiny");
        assertThat(text.at("/choices/0/text").asText()).startsWith(" who had been");
        assertThat(text.at("/choices/0/finish_reason").asText()).isEqualTo("length");
        assertThat(text.at("/choices/0/logprobs").isNull()).isTrue();
        assertThat(text.at("/usage/prompt_tokens").asInt()).isEqualTo(14);
        assertThat(text.at("/usage/completion_tokens").asInt()).isEqualTo(7);
        assertThat(ids.at("/choices")).isEqualTo(text.at("/choices"));
    }

    @Test
    void manyPromptsAndContinuationsComeInOrder() {
        JsonNode answer = served.complete("{\"prompt\":[\"It was\",\"" + PROMPT
                + "\"],\"max_tokens\":4,\"n\":2,\"temperature\":0,\"echo\":true}");

        assertThat(answer.at("/choices")).hasSize(4);
        for (int i = 0; i < 4; i++) {
            assertThat(answer.at("/choices/" + i + "/index").asInt()).isEqualTo(i);
            assertThat(answer.at("/choices/" + i + "/text").asText()).startsWith(i < 2 ? "It was" : PROMPT);
        }
        assertThat(served.complete("{\"prompt\":[[870,312],[259]],\"max_tokens\":1}")
                        .at("/choices"))
                .hasSize(2);
    }

    @Test
    void theSameSeedGivesTheSameTextAndAnotherAnother() {
        String request = "{\"prompt\":\"It was\",\"max_tokens\":20,\"temperature\":1.2,\"top_p\":0.95,\"seed\":";

        String first = served.complete(request + "1}").at("/choices/0/text").asText();

        assertThat(served.complete(request + "1}").at("/choices/0/text").asText())
                .isEqualTo(first);
        assertThat(served.complete(request + "2}").at("/choices/0/text").asText())
                .isNotEqualTo(first);
    }

    @Test
    void aPromptIsEchoedWithWhatTheModelThinksOfIt() {
        JsonNode choice = served.complete(
                        "{\"prompt\":" + IDS + ",\"max_tokens\":0,\"echo\":true,\"logprobs\":2,\"temperature\":0}")
                .at("/choices/0");
        JsonNode logProbs = choice.at("/logprobs");

        assertThat(choice.at("/text").asText()).isEqualTo(PROMPT);
        assertThat(logProbs.at("/tokens")).hasSize(14);
        assertThat(logProbs.at("/tokens/0").asText()).isEqualTo("It");
        assertThat(logProbs.at("/token_logprobs/0").isNull()).isTrue();
        assertThat(logProbs.at("/top_logprobs/0").isNull()).isTrue();
        assertThat(logProbs.at("/token_logprobs/5").asDouble()).isNegative();
        assertThat(logProbs.at("/top_logprobs/5").size()).isBetween(2, 3);
        assertThat(logProbs.at("/text_offset/1").asInt()).isEqualTo(2);
    }

    @Test
    void scoringAndGeneratingAgreeOnTheNextToken() {
        String request = "{\"prompt\":" + IDS + ",\"max_tokens\":1,\"logprobs\":3,\"temperature\":0,\"echo\":";
        JsonNode scored = served.complete(request + "true}").at("/choices/0/logprobs");
        JsonNode generated = served.complete(request + "false}").at("/choices/0/logprobs");

        assertThat(scored.at("/tokens")).hasSize(15);
        assertThat(generated.at("/tokens")).hasSize(1);
        assertThat(scored.at("/tokens/14")).isEqualTo(generated.at("/tokens/0"));
        assertThat(scored.at("/token_logprobs/14").asDouble())
                .isCloseTo(generated.at("/token_logprobs/0").asDouble(), Offset.offset(1e-4));
        assertThat(scored.at("/top_logprobs/14")).hasSize(3);
    }

    @Test
    void aStopEndsTheTextBeforeIt() {
        String whole = served.complete("{\"prompt\":\"" + PROMPT + "\",\"max_tokens\":12,\"temperature\":0}")
                .at("/choices/0/text")
                .asText();
        String stop = whole.substring(5, 8);
        JsonNode choice = served.complete("{\"prompt\":\"" + PROMPT
                        + "\",\"max_tokens\":12,\"temperature\":0,\"stop\":[\"never\",\"" + stop + "\"]}")
                .at("/choices/0");

        assertThat(choice.at("/text").asText()).isEqualTo(whole.substring(0, whole.indexOf(stop)));
        assertThat(choice.at("/finish_reason").asText()).isEqualTo("stop");
    }

    @Test
    void aStreamAddsUpToTheWholeAnswer() {
        String request = "{\"prompt\":\"" + PROMPT + "\",\"max_tokens\":9,\"temperature\":0,\"logprobs\":1,\"stream\":";
        JsonNode whole = served.complete(request + "false}").at("/choices/0");
        HttpResponse<String> response = served.post(request + "true,\"stream_options\":{\"include_usage\":true}}");
        StringBuilder text = new StringBuilder();
        List<String> tokens = new ArrayList<>();
        List<String> finishes = new ArrayList<>();
        List<String> events =
                response.body().lines().filter(line -> !line.isEmpty()).toList();
        for (String event : events.subList(0, events.size() - 1)) {
            assertThat(event).startsWith("data: {");
            JsonNode choice = ServedTeacher.json(event.substring(6)).at("/choices/0");
            text.append(choice.path("text").asText());
            choice.at("/logprobs/tokens").forEach(token -> tokens.add(token.asText()));
            if (choice.hasNonNull("finish_reason")) {
                finishes.add(choice.at("/finish_reason").asText());
            }
        }

        assertThat(response.headers().firstValue("Content-Type"))
                .hasValueSatisfying(type -> assertThat(type).startsWith("text/event-stream"));
        assertThat(events).last().isEqualTo("data: [DONE]");
        assertThat(events.get(events.size() - 2)).contains("\"completion_tokens\":9");
        assertThat(text).hasToString(whole.at("/text").asText());
        assertThat(tokens).hasSize(9);
        assertThat(finishes).containsExactly("length");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {                                                     | not valid JSON
            []                                                    | expected a JSON object
            {"prompt":"a","prompt":"b"}                           | Duplicate field
            {"prompt":"a"} x                                      | not valid JSON
            {"prompt":[[[[[[[[[1]]]]]]]]]}                        | nesting
            {"prompt":[]}                                         | prompt: expected a text, a list of texts
            {"prompt":5}                                          | prompt: expected a text
            {"prompt":[4096]}                                     | prompt[0]: expected token ids from 0 to 4095
            {"prompt":[[1,2],[3,-1]]}                             | prompt[1][1]: expected token ids
            {"prompt":[1,2.5]}                                    | prompt[1]: expected a token id
            {"prompt":[[1],[]]}                                   | prompt[1]: expected a text or a list
            {"prompt":"a","max_tokens":-1}                        | max_tokens: expected a whole number from 0
            {"prompt":"a","max_tokens":3000}                      | expected at most 2048 together
            {"prompt":"a","temperature":-1}                       | temperature: expected a number from 0
            {"prompt":"a","top_p":0}                              | top-p: expected
            {"prompt":"a","n":1000}                               | n: expected a whole number from 1 to 128
            {"prompt":"a","logprobs":true}                        | 0 to 20, of the likeliest tokens to tell, found true
            {"prompt":"a\\ud800b"}                                | prompt: expected a text, found half a surrogate pair
            {"prompt":"a","stop":"\\udc00"}                       | stop: expected a text, found half a surrogate pair
            {"prompt":"a","logprobs":21}                          | logprobs: expected a whole number from 0 to 20
            {"prompt":"a","echo":"yes"}                           | echo: expected true or false
            {"prompt":"a","stop":[1]}                             | stop: expected at most 16 texts
            {"prompt":"a","best_of":3}                            | best_of: expected n
            {"prompt":"a","presence_penalty":0.5}                 | presence_penalty: expected 0
            {"prompt":"a","logit_bias":{"5":1}}                   | logit_bias: expected nothing
            {"prompt":"a","seed":1.5}                             | seed: expected a whole number
            """)
    void whatCannotBeAnsweredIsExplained(String body, String message) {
        HttpResponse<String> response = served.post(body);

        assertThat(response.statusCode()).isEqualTo(400);
        JsonNode error = ServedTeacher.json(response.body()).path("error");
        assertThat(error.path("message").asText()).contains(message);
        assertThat(error.path("type").asText()).isEqualTo("invalid_request_error");
    }

    @Test
    void headIsGetWithoutTheBody() {
        for (String path : List.of("/health", "/v1/models", "/v1/completions")) {
            HttpResponse<String> head = served.send(served.request(path)
                    .method("HEAD", HttpRequest.BodyPublishers.noBody())
                    .build());
            HttpResponse<String> get = served.send(served.request(path).build());

            assertThat(head.statusCode()).isEqualTo(path.equals("/v1/completions") ? 405 : get.statusCode());
            assertThat(head.body()).isEmpty();
            assertThat(head.headers().firstValueAsLong("Content-Length")).isPresent();
        }
    }

    @Test
    void noLogProbabilitiesMayBeAskedForByFalse() {
        assertThat(served.complete("{\"prompt\":\"It\",\"max_tokens\":1,\"logprobs\":false}")
                        .at("/choices/0/logprobs")
                        .isNull())
                .isTrue();
    }

    @Test
    void answersThatWouldFillTheHeapAreRefused() {
        try (ServedTeacher small = new ServedTeacher(ServedTeacher.config(4), 10 << 20)) {
            String many = "[" + ("[1" + ",1".repeat(499) + "],").repeat(9) + "[1]]";
            HttpResponse<String> large = small.post(
                    "{\"prompt\":" + many + ",\"max_tokens\":1,\"echo\":true,\"logprobs\":20,\"temperature\":0}");

            assertThat(large.statusCode()).isEqualTo(413);
            assertThat(large.body()).contains("expected an answer of at most 5242880 bytes", "half of its heap");
            assertThat(small.complete("{\"prompt\":" + many
                                    + ",\"max_tokens\":1,\"echo\":true,\"logprobs\":0,\"temperature\":0}")
                            .at("/choices"))
                    .hasSize(10);
        }
    }

    @Test
    void bodiesThatDoNotComeAreInNobodysWay() throws IOException {
        List<Socket> halves = new ArrayList<>();
        try (ServedTeacher busy = new ServedTeacher(ServedTeacher.config(1))) {
            for (int i = 0; i < 100; i++) {
                halves.add(begin(busy, 100, "{\"prompt\":"));
            }

            assertThat(busy.complete("{\"prompt\":\"It was\",\"max_tokens\":1}").at("/choices"))
                    .hasSize(1);
        } finally {
            for (Socket half : halves) {
                half.close();
            }
        }
    }

    @Test
    void aClientThatHasLeftIsFoundOut() throws IOException {
        try (ServedTeacher busy = new ServedTeacher(ServedTeacher.config(2))) {
            String body = "{\"prompt\":\"It was\",\"n\":100,\"max_tokens\":2000,\"stop\":\"never said\"}";
            begin(busy, body.length(), body).close();

            HttpResponse<String> next = busy.post("{\"prompt\":\"It was\",\"max_tokens\":1,\"temperature\":0}");

            assertThat(next.statusCode()).isEqualTo(200);
            assertThat(ServedTeacher.json(next.body()).at("/choices")).hasSize(1);
        }
    }

    /** Sends the head of a request and the beginning of its body. */
    private static Socket begin(ServedTeacher teacher, int length, String body) throws IOException {
        Socket socket = new Socket(
                InetAddress.getLoopbackAddress(), teacher.server().address().getPort());
        socket.getOutputStream()
                .write(("POST /v1/completions HTTP/1.1\r\nHost: a\r\nContent-Length: " + length + "\r\n\r\n" + body)
                        .getBytes(StandardCharsets.UTF_8));
        return socket;
    }

    @Test
    void textThatNoPositionsHoldIsRefusedBeforeItIsEncoded() {
        HttpResponse<String> tooLong = served.post("{\"prompt\":\"" + "x".repeat(99_000) + "\",\"max_tokens\":1}");
        assertThat(tooLong.statusCode()).isEqualTo(400);
        assertThat(tooLong.body()).contains("expected at most 2048 together");
        try (ServedTeacher large = new ServedTeacher(new ServeConfig("tiny", "127.0.0.1", 0, 8, 1 << 22))) {
            String prompt = "x".repeat(4_000_000);
            for (String body : List.of("{\"prompt\":\"" + prompt + "\"}", "{\"prompt\":[\"a\",\"" + prompt + "\"]}")) {
                HttpResponse<String> response = large.post(body);
                assertThat(response.statusCode()).isEqualTo(400);
                assertThat(response.body())
                        .contains("prompt of 4000000 characters: expected at most 131072, 64 for each");
            }
        }
    }

    @Test
    void textThatTakesMoreMemoryToEncodeThanThereIsIsRefused() {
        try (ServedTeacher small = new ServedTeacher(ServedTeacher.config(4), 10 << 20)) {
            HttpResponse<String> response = small.post("{\"prompt\":\"" + "x".repeat(10_000) + "\"}");

            assertThat(response.statusCode()).isEqualTo(413);
            assertThat(response.body()).contains("at most 5242880 bytes of memory to encode", "may take 6000000");
            assertThat(small.complete("{\"prompt\":\"It was\",\"max_tokens\":1}")
                            .at("/choices"))
                    .hasSize(1);
        }
    }

    @Test
    void otherPathsMethodsAndLargeBodiesAreRefused() {
        assertThat(served.send(served.request("/v1/embeddings").build()).statusCode())
                .isEqualTo(404);
        HttpResponse<String> get = served.send(served.request("/v1/completions").build());
        assertThat(get.statusCode()).isEqualTo(405);
        assertThat(get.headers().firstValue("Allow")).hasValue("POST");
        HttpResponse<String> large = served.post("{\"prompt\":\"" + "x".repeat(300_000) + "\"}");
        assertThat(large.statusCode()).isEqualTo(413);
        assertThat(large.body()).contains("at most 100000 bytes");
        assertThat(served.send(served.request("/v1/completions")
                                .POST(HttpRequest.BodyPublishers.ofByteArray(new byte[] {'"', (byte) 0xff, '"'}))
                                .build())
                        .body())
                .contains("expected UTF-8");
    }

    @Test
    void moreThanMayWaitAreRefusedAndTheOthersAnswered() {
        try (ServedTeacher busy = new ServedTeacher(ServedTeacher.config(1))) {
            List<CompletableFuture<HttpResponse<String>>> all = new ArrayList<>();
            for (int i = 0; i < 12; i++) {
                all.add(busy.sendAsync("{\"prompt\":\"It was\",\"max_tokens\":30,\"temperature\":0}"));
            }
            List<HttpResponse<String>> responses =
                    all.stream().map(CompletableFuture::join).toList();

            assertThat(responses)
                    .extracting(HttpResponse::statusCode)
                    .contains(200, 429)
                    .containsOnly(200, 429);
            assertThat(responses)
                    .filteredOn(response -> response.statusCode() == 429)
                    .allSatisfy(response -> {
                        assertThat(response.body()).contains("at most 1 requests", "rate_limit_error");
                        assertThat(response.headers().firstValue("Retry-After")).hasValue("1");
                    });
        }
    }

    @Test
    void whatWasBegunIsFinishedWhenTheServerCloses() throws InterruptedException {
        ServedTeacher closing = new ServedTeacher(ServedTeacher.config(4));
        CompletableFuture<HttpResponse<String>> begun =
                closing.sendAsync("{\"prompt\":\"It was\",\"max_tokens\":60,\"temperature\":0}");
        Thread.sleep(200);
        closing.close();

        assertThat(begun.join().statusCode()).isEqualTo(200);
        assertThat(ServedTeacher.json(begun.join().body())
                        .at("/usage/completion_tokens")
                        .asInt())
                .isPositive();
    }
}
