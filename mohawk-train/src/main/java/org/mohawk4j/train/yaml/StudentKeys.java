package org.mohawk4j.train.yaml;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.models.mixer.MixerFormat;
import org.mohawk4j.models.mixer.MixerFormats;
import org.mohawk4j.models.mixer.MixerOptions;

/**
 * The keys of a student, whose options depend on the mixer, and the keys of version b11d4d2, which knew
 * discrete Mamba-2 alone.
 */
public final class StudentKeys {
    public static final String SECTION = "student";

    private static final String MIXER = "mixer";
    private static final String OPTIONS = "mixer-options";
    private static final String INIT = "init";
    private static final String START = "start";

    /** A list of texts {@code NAME=VALUE}, as a command line gives options. */
    private static final String OPTION = "mixer-option";

    /** From a key of version b11d4d2 to the option. */
    private static final Map<String, String> OPTIONS_BEFORE = Map.of(
            "state-size", "state-size",
            "conv-width", "conv-width",
            "value-heads", "heads",
            "qk-heads", "groups",
            "chunk-length", "chunk-length");

    private StudentKeys() {}

    /**
     * Lays values over a student's. Another mixer begins with its own defaults.
     *
     * @throws InvalidInputException for an unknown key, and for an option that is given twice
     */
    public static ObjectNode overlay(ObjectNode student, ObjectNode values) {
        ObjectNode result = student.deepCopy();
        ObjectNode given = JsonNodeFactory.instance.objectNode();
        values.properties().forEach(entry -> put(entry.getKey(), entry.getValue(), result, given));
        if (values.has(INIT) && values.has(START)) {
            throw twice(INIT);
        }
        ObjectNode options = result.get(MIXER).equals(student.get(MIXER))
                ? (ObjectNode) result.get(OPTIONS)
                : JsonNodeFactory.instance.objectNode();
        if (values.has(OPTION)) {
            parse(result.path(MIXER).asText(), values.get(OPTION), given);
        }
        options.setAll(given);
        result.set(OPTIONS, options);
        return result;
    }

    private static void put(String key, JsonNode value, ObjectNode student, ObjectNode options) {
        if (key.equals(OPTIONS) && value instanceof ObjectNode more) {
            more.properties().forEach(entry -> putOnce(options, entry.getKey(), entry.getValue()));
        } else if (key.equals(MIXER) || key.equals(INIT)) {
            student.set(key, value);
        } else if (key.equals(START)) {
            student.set(INIT, value);
        } else if (OPTIONS_BEFORE.containsKey(key)) {
            putOnce(options, OPTIONS_BEFORE.get(key), value);
        } else if (!key.equals(OPTION)) {
            String name = SECTION + "." + key;
            throw new InvalidInputException(
                    key.equals(OPTIONS)
                            ? name + ": expected the mixer's options, got " + ConfigMapper.describe(value)
                            : name + ": expected one of the keys mixer, mixer-options, init, got an unknown key"
                                    + NearKeys.hint(key, known()));
        }
    }

    private static List<String> known() {
        return Stream.concat(Stream.of(MIXER, OPTIONS, INIT), OPTIONS_BEFORE.keySet().stream())
                .toList();
    }

    private static void parse(String mixer, JsonNode texts, ObjectNode options) {
        MixerFormat format = MixerFormats.named(mixer);
        for (JsonNode text : texts) {
            String[] parts = text.asText().split("=", 2);
            if (parts.length < 2) {
                throw new InvalidInputException(
                        "mixer " + mixer + ": expected an option as NAME=VALUE, got '" + text.asText() + "'");
            }
            Object value = MixerOptions.option(format, parts[0])
                    .values()
                    .parse(parts[1])
                    .orElse(parts[1]);
            putOnce(options, parts[0], ConfigMapper.node(value));
        }
    }

    private static void putOnce(ObjectNode options, String name, JsonNode value) {
        if (options.has(name)) {
            throw twice(name);
        }
        options.set(name, value);
    }

    private static InvalidInputException twice(String name) {
        return new InvalidInputException(SECTION + ": expected one value of " + name + ", got two");
    }
}
