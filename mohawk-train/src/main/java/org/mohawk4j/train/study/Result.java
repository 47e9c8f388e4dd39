package org.mohawk4j.train.study;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.io.InputFile;
import org.mohawk4j.train.yaml.ConfigMapper;

/**
 * A measurement that is done: a line of {@code results.jsonl}.
 *
 * @param id of the measurement in its study
 * @param configuration all that it was measured with
 * @param values that were measured, by name
 */
public record Result(String id, ObjectNode configuration, Map<String, Double> values, double seconds) {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String ID = "id";
    private static final String CONFIGURATION = "configuration";
    private static final String VALUES = "values";
    private static final String SECONDS = "seconds";

    /** Checks that all values are finite, as JSON has no others. */
    public Result {
        values = Collections.unmodifiableMap(new TreeMap<>(values));
        values.forEach((name, value) -> {
            if (!Double.isFinite(value)) {
                throw new IllegalStateException(
                        "measurement " + id + ": expected a finite " + name + ", found " + value);
            }
        });
    }

    /** A value by its name, which is there. */
    public double value(String name) {
        Double found = values.get(name);
        if (found == null) {
            throw new InvalidInputException(
                    "measurement " + id + ": expected the value " + name + ", found " + values.keySet());
        }
        return found;
    }

    /** @param where named in the complaint */
    static Result read(String where, String line) {
        try {
            JsonNode tree = JSON.readTree(line);
            if (tree.path(ID).isTextual()
                    && tree.path(CONFIGURATION) instanceof ObjectNode configuration
                    && tree.path(VALUES).isObject()
                    && tree.path(SECONDS).isNumber()
                    && tree.path(VALUES).valueStream().allMatch(JsonNode::isNumber)) {
                Map<String, Double> values = new TreeMap<>();
                tree.path(VALUES)
                        .properties()
                        .forEach(entry ->
                                values.put(entry.getKey(), entry.getValue().asDouble()));
                return new Result(
                        tree.path(ID).asText(),
                        configuration,
                        values,
                        tree.path(SECONDS).asDouble());
            }
        } catch (JsonProcessingException e) {
            throw InputFile.notJson(where, e);
        }
        throw new InvalidInputException(where + ": expected a result with id, configuration, values and seconds, found "
                + InputFile.shorten(line));
    }

    String format() {
        ObjectNode line = ConfigMapper.empty();
        line.put(ID, id);
        line.set(CONFIGURATION, configuration);
        line.set(VALUES, ConfigMapper.node(values));
        line.put(SECONDS, seconds);
        return line.toString();
    }
}
