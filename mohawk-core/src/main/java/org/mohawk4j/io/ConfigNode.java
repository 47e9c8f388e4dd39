package org.mohawk4j.io;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import org.mohawk4j.InvalidInputException;

/**
 * An object of a {@code config.json}, or of a line of a data set, that remembers where it stands, so that each complaint
 * names the file, the key, the expected and the actual.
 */
public final class ConfigNode {
    private static final long MAX_BYTES = 1 << 20;
    private static final int MAX_DEPTH = 32;
    private static final ObjectMapper JSON = JsonMapper.builder(JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(MAX_DEPTH)
                            .build())
                    .build())
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private final String where;
    private final JsonNode node;

    private ConfigNode(String where, JsonNode node) {
        this.where = where;
        this.node = node;
    }

    /**
     * Reads a file of one JSON object.
     *
     * @throws InvalidInputException if it is missing, larger than 1 MiB, or not one
     */
    public static ConfigNode read(Path file) {
        InputFile.requireRegular(file);
        try {
            if (Files.size(file) > MAX_BYTES) {
                throw new InvalidInputException(
                        file + ": expected at most " + MAX_BYTES + " bytes, found " + Files.size(file));
            }
            String json = UTF_8.newDecoder()
                    .decode(ByteBuffer.wrap(Files.readAllBytes(file)))
                    .toString();
            return parse(file.toString(), json);
        } catch (CharacterCodingException e) {
            throw new InvalidInputException(file + ": not UTF-8", e);
        } catch (IOException e) {
            throw InputFile.unreadable(file, e);
        }
    }

    /**
     * Reads a text that is one JSON object.
     *
     * @param where named in complaints
     * @throws InvalidInputException if it is not one, has a key twice or half a surrogate pair, or nests more than
     *     32 deep
     */
    public static ConfigNode parse(String where, String json) {
        try {
            JsonNode node = JSON.readTree(json);
            requireWholeCharacters(where + ": ", node);
            return of(where, node);
        } catch (JsonProcessingException e) {
            throw InputFile.notJson(where, e);
        }
    }

    /** JSON can spell half a surrogate pair, which no file in UTF-8 can mean. */
    private static void requireWholeCharacters(String where, JsonNode node) {
        InputFile.requireWholeCharacters(where, node.isTextual() ? node.textValue() : "");
        node.fieldNames().forEachRemaining(name -> InputFile.requireWholeCharacters(where, name));
        node.forEach(part -> requireWholeCharacters(where, part));
    }

    /** @param where named in complaints */
    public static ConfigNode of(String where, JsonNode node) {
        if (!node.isObject()) {
            throw new InvalidInputException(where + ": expected a JSON object, found "
                    + (node.isMissingNode() ? "nothing" : node.getNodeType()));
        }
        return new ConfigNode(where, node);
    }

    /**
     * This object with values for the keys that it lacks. One that is there as null stays so, which says that there is none.
     *
     * @param defaults a JSON object
     */
    public ConfigNode withDefaults(String defaults) {
        ObjectNode merged = parse(where, defaults).node.deepCopy();
        merged.setAll((ObjectNode) node);
        return new ConfigNode(where, merged);
    }

    /** What complaints name. */
    public String where() {
        return where;
    }

    /** Whether the key is there and not null. */
    public boolean has(String key) {
        return node.hasNonNull(key);
    }

    /** The keys, in the order of the file. */
    public List<String> keys() {
        return node.properties().stream().map(Map.Entry::getKey).toList();
    }

    public ConfigNode object(String key) {
        return of(where + ": " + InputFile.shorten(key), required(key));
    }

    /** Whether the key is there and holds an object. */
    public boolean isObject(String key) {
        return has(key) && required(key).isObject();
    }

    /** A list of objects. */
    public List<ConfigNode> objects(String key) {
        List<ConfigNode> objects = new ArrayList<>();
        elements(key).forEach(element -> objects.add(of(where + ": " + key, element)));
        return objects;
    }

    /** A list of texts. */
    public List<String> texts(String key) {
        List<String> texts = new ArrayList<>();
        elements(key).forEach(element -> {
            if (!element.isTextual()) {
                throw wrong(key, "a list of texts", element);
            }
            texts.add(element.asText());
        });
        return texts;
    }

    /** A list of finite numbers. */
    public List<Double> numbers(String key) {
        List<Double> numbers = new ArrayList<>();
        elements(key).forEach(element -> {
            if (!element.isNumber() || !Double.isFinite(element.asDouble())) {
                throw wrong(key, "a list of finite numbers", element);
            }
            numbers.add(element.asDouble());
        });
        return numbers;
    }

    /** A list of true and false. */
    public List<Boolean> flags(String key) {
        List<Boolean> flags = new ArrayList<>();
        elements(key).forEach(element -> {
            if (!element.isBoolean()) {
                throw wrong(key, "a list of true and false", element);
            }
            flags.add(element.asBoolean());
        });
        return flags;
    }

    private JsonNode elements(String key) {
        JsonNode value = required(key);
        if (!value.isArray()) {
            throw wrong(key, "a list", value);
        }
        return value;
    }

    /** A text, or a whole number in decimal: data sets write labels either way. */
    public String word(String key) {
        JsonNode value = required(key);
        if (!value.isTextual() && !value.isIntegralNumber()) {
            throw wrong(key, "a text or a whole number", value);
        }
        return value.asText();
    }

    public String text(String key) {
        JsonNode value = required(key);
        if (!value.isTextual()) {
            throw wrong(key, "a text", value);
        }
        return value.asText();
    }

    /** A whole number from 1 to 2^31-1: no dimension of a model is larger, and products of two fit 64 bits. */
    public long positive(String key) {
        return positiveInt(key);
    }

    /** A whole number from 1 to 2^31-1. */
    public int positiveInt(String key) {
        return between(key, 1, Integer.MAX_VALUE);
    }

    /** A whole number from {@code least} to {@code most}. */
    public int between(String key, int least, int most) {
        return (int) whole(key, least, most);
    }

    /** A whole number from {@code least} to {@code most}. */
    public long whole(String key, long least, long most) {
        JsonNode value = required(key);
        if (!value.isIntegralNumber()
                || !value.canConvertToLong()
                || value.longValue() < least
                || value.longValue() > most) {
            throw wrong(key, "a whole number from " + least + " to " + most, value);
        }
        return value.longValue();
    }

    /**
     * A whole number that divides another.
     *
     * @param name the other one's, for the message
     */
    public int divisor(String key, long whole, String name) {
        int value = positiveInt(key);
        if (whole % value != 0) {
            throw wrong(key, "a divisor of " + name, value);
        }
        return value;
    }

    public OptionalLong optionalPositive(String key) {
        return has(key) ? OptionalLong.of(positive(key)) : OptionalLong.empty();
    }

    /** True or false. */
    public boolean flag(String key, boolean fallback) {
        if (!has(key)) {
            return fallback;
        }
        JsonNode value = required(key);
        if (!value.isBoolean()) {
            throw wrong(key, "true or false", value);
        }
        return value.booleanValue();
    }

    /** A finite number from 0. */
    public OptionalDouble optionalNumber(String key) {
        return has(key) ? OptionalDouble.of(number(key)) : OptionalDouble.empty();
    }

    /** A finite number above 0. */
    public double positiveNumber(String key) {
        double value = number(key);
        if (value <= 0) {
            throw wrong(key, "a number above 0", value);
        }
        return value;
    }

    /** A finite number from 0. */
    public double number(String key) {
        JsonNode value = required(key);
        if (!value.isNumber() || !Double.isFinite(value.asDouble()) || value.asDouble() < 0) {
            throw wrong(key, "a finite number from 0", value);
        }
        return value.asDouble();
    }

    /**
     * Refuses a value that this version does not compute.
     *
     * @param supported the only value that may stand there, if any does
     */
    public void requireIfPresent(String key, Object supported) {
        if (has(key) && !required(key).asText().equals(supported.toString())) {
            throw wrong(key, supported.toString() + ", the only one supported", required(key));
        }
    }

    /**
     * Refuses a value that contradicts that of the same key in another object. A key that either lacks contradicts
     * nothing.
     *
     * @param name the other object's, for the message
     */
    public void requireSame(String key, ConfigNode other, String name) {
        if (has(key) && other.has(key) && !isSame(required(key), other.required(key))) {
            throw wrong(key, "the same as in " + name + ", " + other.required(key), required(key));
        }
    }

    private static boolean isSame(JsonNode a, JsonNode b) {
        return (a.isNumber() && b.isNumber()) ? a.doubleValue() == b.doubleValue() : a.equals(b);
    }

    public InvalidInputException wrong(String key, String expected, Object actual) {
        return new InvalidInputException(
                where + ": " + key + ": expected " + expected + ", found " + InputFile.shorten(actual.toString()));
    }

    private JsonNode required(String key) {
        JsonNode value = node.get(key);
        if (value == null || value.isNull()) {
            throw new InvalidInputException(where + ": " + key + " is missing");
        }
        return value;
    }
}
