package org.mohawk4j.eval.serve;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The text that a model is known to write, with decoders that look beyond the single token. */
class ServedTextTest {
    private static final String BYTE_FALLBACK =
            "{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Replace\",\"pattern\":"
                    + "{\"String\":\"\u2581\"},\"content\":\" \"},{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"},"
                    + "{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop\":0}]}";
    private static final List<String> BYTES = List.of(
            "\u2581a",
            "<0xE2>",
            "<0x82>",
            "<0xAC>",
            "\u2581b",
            "<0x0A>",
            "<0x0A>x",
            "<0xF0>",
            "<0x9F>",
            "<0x98>",
            "<0x80>",
            "\ud83d\ude00",
            "c");

    private static final String BYTE_LEVEL =
            "{\"type\":\"ByteLevel\",\"add_prefix_space\":true,\"trim_offsets\":true,\"use_regex\":true}";
    private static final List<String> LETTERS = List.of(
            "a", "\u0120\u00e2\u0124", "\u00ac", "b", "\u00f0\u0141", "\u013a\u0122", "c", "d", "\u00f0", "\u0141");

    private static final String WORD_PIECE = "{\"type\":\"WordPiece\",\"prefix\":\"##\",\"cleanup\":true}";
    private static final List<String> WORDS = List.of("it", "is", "ok", ".", "no", "##t", "x");

    @TempDir
    Path folder;

    @Test
    void bytesOfCharactersAreText() throws IOException {
        try (ServedTeacher served = ServedTeacher.chain(folder, BYTE_FALLBACK, BYTES)) {
            String expected = "\u20ac b\n<0x0A>x\ud83d\ude00\ud83d\ude00c";

            assertThat(text(served, "[0]", 12, "")).isEqualTo(expected);
            assertThat(streamed(served, "[0]", 12, "")).isEqualTo(expected);
            assertThat(text(served, "[0]", 12, ",\"echo\":true")).isEqualTo("a" + expected);
            assertThat(text(served, "[0,1]", 2, ""))
                    .as("it begins within a character")
                    .isEqualTo("\u20ac");
            assertThat(text(served, "[4,5]", 1, ""))
                    .as("the line break is the prompt's")
                    .isEqualTo("<0x0A>x");
            assertThat(text(served, "[0,1]", 2, ",\"echo\":true")).isEqualTo("a\u20ac");
        }
    }

    @Test
    void promptAndCompletionReadAsOneText() throws IOException {
        try (ServedTeacher served = ServedTeacher.chain(folder, WORD_PIECE, WORDS)) {
            assertThat(text(served, "\"it\"", 5, "")).isEqualTo(" is ok. not");
            assertThat(streamed(served, "\"it\"", 5, "")).isEqualTo(" is ok. not");
            assertThat(text(served, "\"it\"", 3, ",\"echo\":true")).isEqualTo("it is ok.");
            assertThat(text(served, "[0]", 3, ",\"echo\":true")).isEqualTo("it is ok.");
        }
    }

    @Test
    void aTextBeginsWithBosWhichIsNoPartOfIt() throws IOException {
        Files.writeString(folder.resolve("tokenizer_config.json"), "{\"add_bos_token\":true,\"bos_token\":\"x\"}");
        try (ServedTeacher served = ServedTeacher.chain(folder, WORD_PIECE, WORDS)) {
            JsonNode answer = served.complete(
                    "{\"prompt\":\"it\",\"max_tokens\":2,\"temperature\":0,\"echo\":true," + "\"logprobs\":1}");

            assertThat(answer.path("usage").path("prompt_tokens").asInt()).isEqualTo(2);
            JsonNode choice = answer.path("choices").get(0);
            assertThat(choice.path("text").asText()).isEqualTo("it is ok");
            assertThat(choice.path("logprobs").path("tokens")).hasToString("[\"x\",\"it\",\" is\",\" ok\"]");
            assertThat(choice.path("logprobs").path("text_offset")).hasToString("[0,0,2,5]");
            assertThat(choice.path("logprobs").path("token_logprobs").get(0).isNull())
                    .isTrue();
            assertThat(text(served, "[0]", 2, ""))
                    .as("ids are taken as they are")
                    .isEqualTo(" is ok");
            assertThat(text(served, "\"x it\"", 2, "")).as("not doubled").isEqualTo(" is ok");
        }
    }

    @Test
    void idsBeyondTheTokenizerAddNothing() throws IOException {
        try (ServedTeacher served = ServedTeacher.chain(folder, WORD_PIECE, WORDS)) {
            assertThat(text(served, "[5]", 20, ",\"logprobs\":1,\"echo\":true")).isEqualTo("##t x it is");
        }
    }

    @Test
    void offsetsCountTheCodePointsOfTheText() throws IOException {
        try (ServedTeacher served = ServedTeacher.chain(folder, BYTE_LEVEL, LETTERS)) {
            String more = ",\"logprobs\":0";
            assertThat(offsets(served, "[0]", 8, more)).containsExactly(0, 1, 2, 3, 3, 4, 5, 6);
            assertThat(offsets(served, "[0]", 8, more + ",\"echo\":true")).containsExactly(0, 1, 2, 3, 4, 4, 5, 6, 7);
            assertThat(offsets(served, "[0,1]", 3, more))
                    .as("the prompt ends within it")
                    .containsExactly(0, 1, 2);
            assertThat(offsets(served, "[2]", 9, more + ",\"stop\":\"dxx\"")).hasSize(9);
        }
    }

    @Test
    void offsetsAreThoseOfTheTextInAStreamToo() throws IOException {
        try (ServedTeacher served = ServedTeacher.chain(folder, BYTE_FALLBACK, BYTES)) {
            String more = ",\"logprobs\":0";
            assertThat(offsets(served, "[0]", 12, more)).containsExactly(0, 0, 0, 1, 3, 4, 11, 11, 11, 11, 12, 13);
            assertThat(streamedOffsets(served, "[0]", 12, more)).isEqualTo(offsets(served, "[0]", 12, more));

            String stopping = more + ",\"stop\":\"\\n<0x0A>x\ud83d\ude00\"";
            List<Integer> stopped = streamedOffsets(served, "[0]", 12, stopping);
            assertThat(text(served, "[0]", 12, stopping)).isEqualTo("\u20ac b");
            assertThat(stopped).isEqualTo(offsets(served, "[0]", 12, stopping)).allMatch(offset -> offset <= 3);
        }
    }

    @Test
    void partsOfCharactersHaveNamesOfTheirOwn() throws IOException {
        try (ServedTeacher served = ServedTeacher.chain(folder, BYTE_LEVEL, LETTERS)) {
            JsonNode logProbs = complete(served, "[0]", 3, ",\"logprobs\":20").at("/choices/0/logprobs");

            assertThat(strings(logProbs.path("tokens"))).containsExactly("bytes: \\xe2\\x82", "bytes:\\xac", "b");
            List<String> names = new ArrayList<>();
            logProbs.at("/top_logprobs/0").fieldNames().forEachRemaining(names::add);
            assertThat(names)
                    .hasSize(20)
                    .contains("bytes:\\xf0\\x9f", "bytes:\\x98\\x80", "bytes:\\xf0", "bytes:\\x9f", "token_id:10");
        }
    }

    @Test
    void namesTogetherAreTheText() throws IOException {
        try (ServedTeacher served = ServedTeacher.chain(folder, WORD_PIECE, WORDS)) {
            for (String more : List.of("", ",\"echo\":true")) {
                JsonNode choice =
                        complete(served, "\"it\"", 6, ",\"logprobs\":2" + more).at("/choices/0");

                assertThat(String.join("", strings(choice.at("/logprobs/tokens"))))
                        .isEqualTo(choice.path("text").asText());
                assertThat(new HashSet<>(offsets(choice))).hasSameSizeAs(offsets(choice));
            }
        }
    }

    private static JsonNode complete(ServedTeacher served, String prompt, int maxTokens, String more) {
        return served.complete(request(prompt, maxTokens, more));
    }

    private static String request(String prompt, int maxTokens, String more) {
        return "{\"prompt\":" + prompt + ",\"max_tokens\":" + maxTokens + ",\"temperature\":0" + more + "}";
    }

    private static String text(ServedTeacher served, String prompt, int maxTokens, String more) {
        return complete(served, prompt, maxTokens, more).at("/choices/0/text").asText();
    }

    private static List<Integer> offsets(ServedTeacher served, String prompt, int maxTokens, String more) {
        JsonNode choice = complete(served, prompt, maxTokens, more).at("/choices/0");
        String text = choice.path("text").asText();
        assertThat(offsets(choice)).allMatch(offset -> offset <= text.codePointCount(0, text.length()));
        return offsets(choice);
    }

    private static List<JsonNode> events(ServedTeacher served, String prompt, int maxTokens, String more) {
        return served.post(request(prompt, maxTokens, more + ",\"stream\":true"))
                .body()
                .lines()
                .filter(line -> line.startsWith("data: {"))
                .map(line -> ServedTeacher.json(line.substring(6)).at("/choices/0"))
                .toList();
    }

    private static String streamed(ServedTeacher served, String prompt, int maxTokens, String more) {
        StringBuilder text = new StringBuilder();
        events(served, prompt, maxTokens, more)
                .forEach(choice -> text.append(choice.path("text").asText()));
        return text.toString();
    }

    private static List<Integer> streamedOffsets(ServedTeacher served, String prompt, int maxTokens, String more) {
        return events(served, prompt, maxTokens, more).stream()
                .flatMap(choice -> offsets(choice).stream())
                .toList();
    }

    private static List<Integer> offsets(JsonNode choice) {
        JsonNode offsets = choice.at("/logprobs/text_offset");
        return IntStream.range(0, offsets.size())
                .mapToObj(i -> offsets.get(i).asInt())
                .toList();
    }

    private static List<String> strings(JsonNode list) {
        return StreamSupport.stream(list.spliterator(), false)
                .map(JsonNode::asText)
                .toList();
    }
}
