package org.mohawk4j.io;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.function.Function;
import java.util.function.Predicate;
import org.mohawk4j.InvalidInputException;

/**
 * A JSON object of a {@code config.json} or of a line of a data set, with its location: each error names the file, the
 * key, the expected and the actual value.
 */
public final class ConfigNode {
    private static final long MAX_BYTES = 1 << 20;
    private static final int MAX_DEPTH = 32;
    private static final ObjectMapper JSON = StrictJson.mapper(MAX_DEPTH, StreamReadConstraints.DEFAULT_MAX_STRING_LEN);

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
        return parse(file.toString(), InputFile.text(file, MAX_BYTES));
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
        return list(key, "texts", JsonNode::isTextual, JsonNode::asText);
    }

    /** A list of finite numbers. */
    public List<Double> numbers(String key) {
        return list(key, "finite numbers", ConfigNode::isFinite, JsonNode::asDouble);
    }

    /** A list of true and false. */
    public List<Boolean> flags(String key) {
        return list(key, "true and false", JsonNode::isBoolean, JsonNode::asBoolean);
    }

    private <T> List<T> list(String key, String what, Predicate<JsonNode> fits, Function<JsonNode, T> read) {
        List<T> values = new ArrayList<>();
        elements(key).forEach(element -> {
            if (!fits.test(element)) {
                throw wrong(key, "a list of " + what, element);
            }
            values.add(read.apply(element));
        });
        return values;
    }

    private JsonNode elements(String key) {
        return required(key, "a list", JsonNode::isArray);
    }

    private static boolean isFinite(JsonNode value) {
        return value.isNumber() && Double.isFinite(value.asDouble());
    }

    /** A text, or a whole number in decimal: data sets write labels either way. */
    public String word(String key) {
        return required(key, "a text or a whole number", value -> value.isTextual() || value.isIntegralNumber())
                .asText();
    }

    public String text(String key) {
        return required(key, "a text", JsonNode::isTextual).asText();
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
        return required(
                        key,
                        "a whole number from " + least + " to " + most,
                        value -> value.isIntegralNumber()
                                && value.canConvertToLong()
                                && value.longValue() >= least
                                && value.longValue() <= most)
                .longValue();
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

    /** A positive number, rounded up to a multiple of another one, whose key may be absent. */
    public long roundedUp(String key, String multipleKey, long fallback) {
        long multiple = optionalPositive(multipleKey).orElse(fallback);
        return (positive(key) + multiple - 1) / multiple * multiple;
    }

    /** True or false. */
    public boolean flag(String key, boolean fallback) {
        return has(key) ? required(key, "true or false", JsonNode::isBoolean).booleanValue() : fallback;
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
        return required(key, "a finite number from 0", value -> isFinite(value) && value.asDouble() >= 0)
                .asDouble();
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

    private JsonNode required(String key, String expected, Predicate<JsonNode> fits) {
        JsonNode value = required(key);
        if (!fits.test(value)) {
            throw wrong(key, expected, value);
        }
        return value;
    }

    private JsonNode required(String key) {
        JsonNode value = node.get(key);
        if (value == null || value.isNull()) {
            throw new InvalidInputException(where + ": " + key + " is missing");
        }
        return value;
    }
}
