package org.mohawk4j.data.stream;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import org.mohawk4j.InvalidInputException;

/** Reads a stream's saved state, refusing what is none. */
record LoaderStateReader(JsonNode json) {
    /** A number from 0. */
    long whole(String key, long most) {
        return whole(key, 0, most);
    }

    long whole(String key, long least, long most) {
        JsonNode value = json.path(key);
        if (!value.isIntegralNumber()
                || !value.canConvertToLong()
                || value.longValue() < least
                || value.longValue() > most) {
            throw refusal(key + " from " + least + " to " + most, value);
        }
        return value.longValue();
    }

    /** Checks a value that only depends on texts and settings. */
    void same(String key, JsonNode expected) {
        if (!json.path(key).equals(expected)) {
            throw refusal(key + " " + expected, json.path(key));
        }
    }

    List<LoaderStateReader> list(String key, int size) {
        JsonNode values = json.path(key);
        if (!values.isArray() || values.size() != size) {
            throw refusal(key + ", " + size + " of them", values);
        }
        List<LoaderStateReader> parts = new ArrayList<>();
        values.forEach(value -> parts.add(new LoaderStateReader(value)));
        return parts;
    }

    private static InvalidInputException refusal(String expected, JsonNode found) {
        return new InvalidInputException("text stream: expected a state with " + expected + ", found "
                + (found.isMissingNode() ? "none" : found));
    }
}
