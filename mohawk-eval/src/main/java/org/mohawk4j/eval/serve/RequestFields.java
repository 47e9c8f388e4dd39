package org.mohawk4j.eval.serve;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.generation.Sampling;
import org.mohawk4j.io.InputFile;
import org.mohawk4j.io.StrictJson;

/** Reads the JSON of a request, and the fields that all kinds of completions have, with OpenAI's names and defaults. */
final class RequestFields {
    static final int MAX_CONTINUATIONS = 128;

    private static final int MAX_STOPS = 16;
    private static final List<String> ZERO_ONLY = List.of("presence_penalty", "frequency_penalty");

    private final ObjectMapper json;

    /** @param maxDepth of nested values */
    RequestFields(int maxDepth, int maxBodyBytes) {
        this.json = StrictJson.mapper(maxDepth, maxBodyBytes);
    }

    /** The object that a body is. */
    JsonNode parse(byte[] body) {
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

    /** Refuses fields that would change the answer and are not computed here. */
    static void requireEmpty(JsonNode request, List<String> names) {
        for (String name : names) {
            JsonNode value = request.path(name);
            if (!isAbsent(value) && !(value.isTextual() ? value.asText().isEmpty() : value.isEmpty())) {
                throw ApiException.wrong(name, "nothing, since it is not supported");
            }
        }
    }

    static int choices(JsonNode request) {
        return whole(request, "n", 1, 1, MAX_CONTINUATIONS);
    }

    static Completion.Decoding decoding(JsonNode request, int maxTokens) {
        for (String name : ZERO_ONLY) {
            if (number(request, name, 0) != 0) {
                throw ApiException.wrong(name, "0, the only one supported");
            }
        }
        JsonNode seed = request.path("seed");
        if (!isAbsent(seed) && !(seed.isIntegralNumber() && seed.canConvertToLong())) {
            throw ApiException.wrong("seed", "a whole number of 64 bits");
        }
        return new Completion.Decoding(
                maxTokens,
                choices(request),
                sampling(request),
                isAbsent(seed) ? ThreadLocalRandom.current().nextLong() : seed.asLong(),
                stops(request.path("stop")));
    }

    static boolean usageInStream(JsonNode request) {
        return flag(request.path("stream_options"), "include_usage");
    }

    private static Sampling sampling(JsonNode request) {
        try {
            double temperature = number(request, "temperature", 1);
            return new Sampling(temperature, 0, number(request, "top_p", 1));
        } catch (InvalidInputException e) {
            throw ApiException.of(400, "invalid_value", String.valueOf(e.getMessage()));
        }
    }

    static List<String> stops(JsonNode stop) {
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

    static void requireCharacters(String where, String text) {
        if (InputFile.hasUnpairedSurrogate(text)) {
            throw ApiException.wrong(where, "a text, found half a surrogate pair in it");
        }
    }

    static boolean flag(JsonNode request, String name) {
        JsonNode value = request.path(name);
        if (!isAbsent(value) && !value.isBoolean()) {
            throw ApiException.wrong(name, "true or false");
        }
        return value.asBoolean();
    }

    static int whole(JsonNode request, String name, int otherwise, int least, int most) {
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

    static double number(JsonNode request, String name, double otherwise) {
        JsonNode value = request.path(name);
        if (isAbsent(value)) {
            return otherwise;
        }
        if (!value.isNumber() || !Double.isFinite(value.asDouble())) {
            throw ApiException.wrong(name, "a number");
        }
        return value.asDouble();
    }

    static boolean isAbsent(JsonNode value) {
        return value.isMissingNode() || value.isNull();
    }
}
