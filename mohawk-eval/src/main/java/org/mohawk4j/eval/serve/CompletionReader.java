package org.mohawk4j.eval.serve;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.LongConsumer;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.eval.serve.Completion.Prompt;
import org.mohawk4j.generation.Sampling;
import org.mohawk4j.io.InputFile;
import org.mohawk4j.tokenizer.Tokenizer;

/**
 * Reads the body of a request to {@code /v1/completions}, with OpenAI's names and defaults. What would change the answer
 * and is not computed here is refused; other fields are passed over.
 */
final class CompletionReader {
    private static final int MAX_DEPTH = 8;
    private static final int MAX_CONTINUATIONS = 128;
    private static final int MAX_STOPS = 16;
    private static final int MAX_LOGPROBS = 20;
    private static final int DEFAULT_MAX_TOKENS = 16;

    /** Of a text prompt for each of the model's positions: many times what text has. */
    private static final int MOST_CHARACTERS = 64;

    private static final List<String> ZERO_ONLY = List.of("presence_penalty", "frequency_penalty");
    private static final List<String> EMPTY_ONLY = List.of("suffix", "logit_bias");

    private final Tokenizer tokenizer;
    private final int vocabulary;
    private final long positions;
    private final ObjectMapper json;

    /**
     * @param vocabulary of the model
     * @param positions of the model, which prompt and continuation share
     */
    CompletionReader(Tokenizer tokenizer, int vocabulary, long positions, int maxBodyBytes) {
        this.tokenizer = tokenizer;
        this.vocabulary = vocabulary;
        this.positions = positions;
        this.json = JsonMapper.builder(JsonFactory.builder()
                        .streamReadConstraints(StreamReadConstraints.builder()
                                .maxNestingDepth(MAX_DEPTH)
                                .maxStringLength(maxBodyBytes)
                                .build())
                        .build())
                .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                .disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
                .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                .build();
    }

    /**
     * Reads a body.
     *
     * @param room takes so many bytes of memory, or throws
     * @throws ApiException if the body cannot be answered
     */
    Completion read(byte[] body, LongConsumer room) {
        JsonNode request = parse(body);
        for (String name : ZERO_ONLY) {
            if (number(request, name, 0) != 0) {
                throw ApiException.wrong(name, "0, the only one supported");
            }
        }
        for (String name : EMPTY_ONLY) {
            JsonNode value = request.path(name);
            if (!isAbsent(value) && !(value.isTextual() ? value.asText().isEmpty() : value.isEmpty())) {
                throw ApiException.wrong(name, "nothing, since it is not supported");
            }
        }
        int choices = whole(request, "n", 1, 1, MAX_CONTINUATIONS);
        if (whole(request, "best_of", choices, 1, MAX_CONTINUATIONS) != choices) {
            throw ApiException.wrong("best_of", "n, the only one supported");
        }
        int maxTokens = whole(request, "max_tokens", DEFAULT_MAX_TOKENS, 0, Integer.MAX_VALUE);
        List<Prompt> prompts = prompts(request.path("prompt"), maxTokens, room);
        if ((long) prompts.size() * choices > MAX_CONTINUATIONS) {
            throw ApiException.wrong("prompt", "at most " + MAX_CONTINUATIONS + " continuations in one request");
        }
        JsonNode seed = request.path("seed");
        if (!isAbsent(seed) && !(seed.isIntegralNumber() && seed.canConvertToLong())) {
            throw ApiException.wrong("seed", "a whole number of 64 bits");
        }
        return new Completion(
                prompts,
                maxTokens,
                choices,
                sampling(request),
                isAbsent(seed) ? ThreadLocalRandom.current().nextLong() : seed.asLong(),
                logProbs(request),
                flag(request, "echo"),
                stops(request.path("stop")),
                flag(request, "stream"),
                flag(request.path("stream_options"), "include_usage"));
    }

    private JsonNode parse(byte[] body) {
        try {
            JsonNode request = json.readTree(
                    UTF_8.newDecoder().decode(ByteBuffer.wrap(body)).toString());
            if (!request.isObject()) {
                throw ApiException.of(400, "invalid_json", "expected a JSON object as body");
            }
            return request;
        } catch (CharacterCodingException e) {
            throw ApiException.of(400, "invalid_json", "expected UTF-8 as body");
        } catch (JsonProcessingException e) {
            throw ApiException.of(400, "invalid_json", "not valid JSON: " + e.getOriginalMessage());
        }
    }

    private static Sampling sampling(JsonNode request) {
        try {
            double temperature = number(request, "temperature", 1);
            return new Sampling(temperature, 0, number(request, "top_p", 1));
        } catch (InvalidInputException e) {
            throw ApiException.of(400, "invalid_value", String.valueOf(e.getMessage()));
        }
    }

    /** A number; clients of another kind of completions send true, with the number elsewhere, or false. */
    private static OptionalInt logProbs(JsonNode request) {
        JsonNode value = request.path("logprobs");
        if (value.isBoolean() && value.asBoolean()) {
            throw ApiException.wrong(
                    "logprobs",
                    "a whole number from 0 to " + MAX_LOGPROBS
                            + ", of the likeliest tokens to tell, found true, which is of chat completions");
        }
        return isAbsent(value) || value.isBoolean()
                ? OptionalInt.empty()
                : OptionalInt.of(whole(request, "logprobs", 0, 0, MAX_LOGPROBS));
    }

    /** A text, a list of texts, a list of ids, or a list of such lists. */
    private List<Prompt> prompts(JsonNode prompt, int maxTokens, LongConsumer room) {
        List<Prompt> prompts = new ArrayList<>();
        requireLengths(prompt, room);
        if (isAbsent(prompt)) {
            prompts.add(text("prompt", ""));
        } else if (prompt.isTextual()) {
            prompts.add(text("prompt", prompt.asText()));
        } else if (!prompt.isArray() || prompt.isEmpty()) {
            throw ApiException.wrong("prompt", "a text, a list of texts, a list of token ids or a list of such lists");
        } else if (prompt.get(0).isNumber()) {
            prompts.add(ids("prompt", prompt));
        } else {
            if (prompt.size() > MAX_CONTINUATIONS) {
                throw ApiException.wrong("prompt", "at most " + MAX_CONTINUATIONS + " prompts in one request");
            }
            for (int i = 0; i < prompt.size(); i++) {
                JsonNode entry = prompt.get(i);
                String where = "prompt[" + i + "]";
                prompts.add(entry.isTextual() ? text(where, entry.asText()) : ids(where, entry));
            }
        }
        for (Prompt each : prompts) {
            if (each.ids().size() + (long) maxTokens > positions) {
                throw ApiException.of(
                        400,
                        "context_length_exceeded",
                        "prompt of " + each.ids().size() + " tokens and max_tokens " + maxTokens + ": expected at most "
                                + positions + " together, the model's positions");
            }
        }
        return prompts;
    }

    /** Before anything is encoded: what is too long to be answered takes time and memory for nothing. */
    private void requireLengths(JsonNode prompt, LongConsumer room) {
        long needed = 0;
        for (JsonNode entry : prompt.isTextual() ? List.of(prompt) : prompt) {
            String text = entry.isTextual() ? entry.asText() : "";
            if (text.length() > positions * MOST_CHARACTERS) {
                throw ApiException.of(
                        400,
                        "context_length_exceeded",
                        "prompt of " + text.length() + " characters: expected at most " + positions * MOST_CHARACTERS
                                + ", " + MOST_CHARACTERS + " for each of the model's positions");
            }
            needed = Math.max(needed, MemoryBudget.bytesOf(text));
        }
        room.accept(needed);
    }

    private Prompt text(String where, String text) {
        requireCharacters(where, text);
        int[] own = tokenizer.encode(text);
        int[] ids = Tokenizer.behind(tokenizer.beginOfText(), own);
        if (ids.length == 0) {
            int start =
                    tokenizer.prefix().orElseThrow(() -> ApiException.wrong(where, "at least one token, found none"));
            ids = new int[] {start};
        }
        return new Prompt(
                Arrays.stream(ids).map(id -> requireKnown(where, id)).boxed().toList(),
                Optional.of(text),
                ids.length - own.length);
    }

    private Prompt ids(String where, JsonNode list) {
        if (!list.isArray() || list.isEmpty()) {
            throw ApiException.wrong(where, "a text or a list of at least one token id");
        }
        List<Integer> ids = new ArrayList<>();
        for (JsonNode id : list) {
            String place = where + "[" + ids.size() + "]";
            if (!id.isIntegralNumber() || !id.canConvertToInt()) {
                throw ApiException.wrong(place, "a token id");
            }
            ids.add(requireKnown(place, id.intValue()));
        }
        return new Prompt(ids, Optional.empty(), 0);
    }

    private int requireKnown(String where, int id) {
        if (id < 0 || id >= vocabulary) {
            throw ApiException.wrong(
                    where, "token ids from 0 to " + (vocabulary - 1) + ", the model's vocabulary, found " + id);
        }
        return id;
    }

    private static List<String> stops(JsonNode stop) {
        List<String> stops = new ArrayList<>();
        if (stop.isTextual()) {
            stops.add(stop.asText());
        } else if (stop.isArray()) {
            stop.forEach(each -> stops.add(each.isTextual() ? each.asText() : ""));
        } else if (!isAbsent(stop)) {
            throw ApiException.wrong("stop", "a text or a list of texts");
        }
        if (stops.size() > MAX_STOPS || stops.contains("")) {
            throw ApiException.wrong("stop", "at most " + MAX_STOPS + " texts, none of them empty");
        }
        stops.forEach(each -> requireCharacters("stop", each));
        return stops;
    }

    private static void requireCharacters(String where, String text) {
        if (InputFile.hasHalfACharacter(text)) {
            throw ApiException.wrong(where, "a text, found half a surrogate pair in it");
        }
    }

    private static boolean flag(JsonNode request, String name) {
        JsonNode value = request.path(name);
        if (!isAbsent(value) && !value.isBoolean()) {
            throw ApiException.wrong(name, "true or false");
        }
        return value.asBoolean();
    }

    private static int whole(JsonNode request, String name, int otherwise, int least, int most) {
        JsonNode value = request.path(name);
        if (isAbsent(value)) {
            return otherwise;
        }
        if (!value.isIntegralNumber()
                || !value.canConvertToInt()
                || value.intValue() < least
                || value.intValue() > most) {
            throw ApiException.wrong(name, "a whole number from " + least + " to " + most);
        }
        return value.intValue();
    }

    private static double number(JsonNode request, String name, double otherwise) {
        JsonNode value = request.path(name);
        if (isAbsent(value)) {
            return otherwise;
        }
        if (!value.isNumber() || !Double.isFinite(value.asDouble())) {
            throw ApiException.wrong(name, "a number");
        }
        return value.asDouble();
    }

    private static boolean isAbsent(JsonNode value) {
        return value.isMissingNode() || value.isNull();
    }
}
