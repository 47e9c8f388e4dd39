package org.mohawk4j.eval.serve;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Conversations with a model that writes the words of its vocabulary in their order. */
class ServedChatTest {
    private static final String CHAT = "/v1/chat/completions";
    private static final String DECODER = "{\"type\":\"WordPiece\",\"prefix\":\"##\",\"cleanup\":true}";
    private static final List<String> WORDS = List.of("<s>", "user", "bot", "it", "is", "ok", "no", "END", "x");
    private static final String TEMPLATE =
            "{{ bos_token }}{% for m in messages %} {{ m.role }} {{ m.content }}{% endfor %} bot";

    @TempDir
    private Path folder;

    private ServedTeacher served(String template) throws IOException {
        Files.writeString(
                folder.resolve("tokenizer_config.json"),
                new ObjectMapper()
                        .writeValueAsString(Map.of(
                                "bos_token",
                                "<s>",
                                "add_bos_token",
                                true,
                                "eos_token",
                                "END",
                                "chat_template",
                                template)));
        return ServedTeacher.chain(folder, DECODER, WORDS);
    }

    private static String body(String more) {
        return "{\"model\":\"any\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"temperature\":0" + more + "}";
    }

    private static JsonNode answer(ServedTeacher served, String body) {
        HttpResponse<String> response = served.post(CHAT, body);
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        return ServedTeacher.json(response.body());
    }

    @Test
    void aConversationIsAnsweredUntilTheModelEndsIt() throws IOException {
        try (ServedTeacher served = served(TEMPLATE)) {
            JsonNode answer = answer(served, body(""));

            assertThat(answer.path("object").asText()).isEqualTo("chat.completion");
            assertThat(answer.path("id").asText()).startsWith("chatcmpl-");
            JsonNode choice = answer.path("choices").get(0);
            assertThat(choice.path("message").path("role").asText()).isEqualTo("assistant");
            assertThat(choice.path("message").path("content").asText()).isEqualTo(" it is ok no");
            assertThat(choice.path("finish_reason").asText()).isEqualTo("stop");
            assertThat(answer.path("usage").path("prompt_tokens").asInt())
                    .as("<s> user x bot, BOS not doubled")
                    .isEqualTo(4);
            assertThat(answer.path("usage").path("completion_tokens").asInt())
                    .as("END is one of them")
                    .isEqualTo(5);
        }
    }

    @Test
    void limitsAndStopsCutAReply() throws IOException {
        try (ServedTeacher served = served(TEMPLATE)) {
            JsonNode two =
                    answer(served, body(",\"max_tokens\":2")).path("choices").get(0);
            assertThat(two.path("message").path("content").asText()).isEqualTo(" it is");
            assertThat(two.path("finish_reason").asText()).isEqualTo("length");
            assertThat(answer(served, body(",\"max_completion_tokens\":1"))
                            .path("usage")
                            .path("completion_tokens")
                            .asInt())
                    .isEqualTo(1);
            assertThat(answer(served, body(",\"stop\":[\" ok\"],\"n\":2"))
                            .path("choices")
                            .findValuesAsText("content"))
                    .containsExactly(" it is", " it is");
        }
    }

    @Test
    void partsOfTextAreOneText() throws IOException {
        try (ServedTeacher served = served("bot {{ messages[0].content }}")) {
            String body = "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"i\"},"
                    + "{\"type\":\"text\",\"text\":\"s\"}]}],\"temperature\":0,\"max_tokens\":1}";

            assertThat(answer(served, body).findValue("content").asText()).isEqualTo(" ok");
        }
    }

    @Test
    void aStreamBeginsWithTheRoleAndGoesOnWithPieces() throws IOException {
        try (ServedTeacher served = served(TEMPLATE)) {
            String events = served.post(CHAT, body(",\"stream\":true,\"stream_options\":{\"include_usage\":true}"))
                    .body();
            List<JsonNode> chunks = events.lines()
                    .filter(line -> line.startsWith("data: {"))
                    .map(line -> ServedTeacher.json(line.substring("data: ".length())))
                    .toList();

            assertThat(chunks).allMatch(chunk -> chunk.path("object").asText().equals("chat.completion.chunk"));
            JsonNode first = chunks.get(0).path("choices").get(0).path("delta");
            assertThat(first).hasToString("{\"role\":\"assistant\",\"content\":\"\"}");
            StringBuilder text = new StringBuilder();
            chunks.forEach(
                    chunk -> text.append(chunk.at("/choices/0/delta/content").asText()));
            assertThat(text.toString()).isEqualTo(" it is ok no");
            assertThat(chunks.get(chunks.size() - 2)
                            .at("/choices/0/finish_reason")
                            .asText())
                    .isEqualTo("stop");
            assertThat(chunks.get(chunks.size() - 1).at("/usage/total_tokens").asInt())
                    .isEqualTo(9);
            assertThat(events).endsWith("data: [DONE]\n\n");
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    {}                                                          | messages: expected a list of at least
                    {"messages":[]}                                             | messages: expected a list of at least
                    {"messages":[{"content":"x"}]}                              | messages[0]: expected an object with
                    {"messages":[{"role":"user","content":[{"type":"image"}]}]} | messages[0].content: expected a text
                    {"messages":[{"role":"user","content":"x"}],"tools":[1]}    | tools: expected nothing
                    {"messages":[{"role":"user","content":"x"}],"logprobs":true}| logprobs: expected false
                    {"messages":[{"role":"user","content":"x"}],"temperature":-1}| temperature: expected a number from 0
                    {"messages":[{"role":"user","content":"x"}],"max_tokens":99}| expected at most 64 together
                    {"messages":[{"role":"tool","content":"x"}]}                | chat template: no tools here""")
    void whatCannotBeAnsweredIsRefusedInOpenAisForm(String body, String message) throws IOException {
        try (ServedTeacher served =
                served("{% if messages[0].role == 'tool' %}{{ raise_exception('no tools here') }}{% endif %}x")) {
            HttpResponse<String> response = served.post(CHAT, body);

            assertThat(response.statusCode()).isEqualTo(400);
            JsonNode error = ServedTeacher.json(response.body()).path("error");
            assertThat(error.path("message").asText()).contains(message);
            assertThat(error.path("type").asText()).isEqualTo("invalid_request_error");
        }
    }

    @Test
    void aModelWithoutATemplateSaysSo() throws IOException {
        try (ServedTeacher served = ServedTeacher.chain(folder, DECODER, WORDS)) {
            HttpResponse<String> response = served.post(CHAT, body(""));

            assertThat(response.statusCode()).isEqualTo(400);
            assertThat(response.body())
                    .contains("expected a model with a chat template")
                    .contains("no_chat_template");
        }
    }
}
