package org.mohawk4j.data.source;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import java.io.IOException;
import java.io.UncheckedIOException;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.io.InputFile;

/** The document in a line of JSON. */
final class JsonLine {
    private static final int DEEPEST = 64;

    /** Field names are not kept beyond a line: a hostile file has millions. */
    private static final JsonFactory JSON = JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(DEEPEST)
                    .maxStringLength(JsonLinesShardReader.MOST_BYTES)
                    .build())
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
            .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
            .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
            .build();

    private JsonLine() {}

    /**
     * The text of a field.
     *
     * @param line an object, or nothing but spaces, which has no text
     * @param where the line comes from, for the message
     * @throws InvalidInputException if the line is no object of JSON, is nested deeper than {@value #DEEPEST}, has a key
     *     twice, has no such field with a text, or half a surrogate pair in it
     */
    static String text(String line, String field, String where) {
        try (JsonParser parser = JSON.createParser(line)) {
            JsonToken first = parser.nextToken();
            if (first == null) {
                return "";
            }
            require(first == JsonToken.START_OBJECT, where, "an object of JSON", first);
            String text = null;
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                boolean wanted = parser.currentName().equals(field);
                JsonToken value = parser.nextToken();
                if (wanted) {
                    require(value == JsonToken.VALUE_STRING, where, "a text in " + InputFile.quote(field), value);
                    text = parser.getText();
                    if (InputFile.hasUnpairedSurrogate(text)) {
                        throw new InvalidInputException(where + ": half a surrogate pair in " + InputFile.quote(field));
                    }
                } else {
                    parser.skipChildren();
                }
            }
            JsonToken more = parser.nextToken();
            require(more == null, where, "nothing behind the object", more);
            if (text == null) {
                throw new InvalidInputException(
                        where + ": expected a field " + InputFile.quote(field) + ", found none");
            }
            return text;
        } catch (JsonProcessingException e) {
            throw InputFile.notJson(where, e);
        } catch (IOException e) {
            throw new UncheckedIOException("reading a text in memory", e);
        }
    }

    private static void require(boolean holds, String where, String expected, @Nullable JsonToken found) {
        if (!holds && found != null) {
            throw new InvalidInputException(where + ": expected " + expected + ", found " + describe(found));
        }
    }

    private static String describe(JsonToken token) {
        return switch (token) {
            case START_OBJECT -> "an object";
            case START_ARRAY -> "an array";
            case VALUE_STRING -> "a text";
            case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> "a number";
            case VALUE_NULL -> "null";
            case VALUE_TRUE, VALUE_FALSE -> "true or false";
            default -> "the end";
        };
    }
}
