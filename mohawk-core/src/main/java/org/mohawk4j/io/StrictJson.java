package org.mohawk4j.io;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.Set;
import org.mohawk4j.InvalidInputException;

/**
 * Rejects what a JSON parser accepts and no file should contain: unpaired surrogates, duplicate names, and unread
 * fields without limit. Values are skipped token by token, without being stored.
 */
public final class StrictJson {
    /** Of one value, or of one object: their names are kept until it ends, to see whether one is given twice. */
    private static final int MAX_IGNORED_FIELDS = 10_000;

    private final JsonParser parser;

    public StrictJson(JsonParser parser) {
        this.parser = parser;
    }

    /**
     * A mapper that refuses names given twice and more than one value, and whose errors do not quote the input.
     *
     * @param maxDepth of nested values
     * @param maxStringLength in characters
     */
    public static ObjectMapper mapper(int maxDepth, int maxStringLength) {
        return JsonMapper.builder(JsonFactory.builder()
                        .streamReadConstraints(StreamReadConstraints.builder()
                                .maxNestingDepth(maxDepth)
                                .maxStringLength(maxStringLength)
                                .build())
                        .build())
                .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                .disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
                .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                .build();
    }

    /**
     * The text of a name or string; JSON can spell half a surrogate pair, which no file in UTF-8 can mean.
     *
     * @param where named in the complaint
     */
    public String text(String where) throws IOException {
        String text = parser.getText();
        InputFile.requireWholeCharacters(where, text);
        return text;
    }

    /**
     * Keeps one more name of an object.
     *
     * @param where named in the complaint
     */
    public static void keep(Set<String> names, String name, String where) {
        if (!names.add(name)) {
            throw new InvalidInputException(where + InputFile.quote(name) + " given twice");
        }
        if (names.size() > MAX_IGNORED_FIELDS) {
            throw tooMany(where);
        }
    }

    /**
     * Passes over the value at the parser's position, checking it on the way.
     *
     * @param where named in the complaint
     */
    public void skip(String where) throws IOException {
        Deque<Set<String>> objects = new ArrayDeque<>();
        int ignoredFields = 0;
        int depth = 0;
        do {
            JsonToken token = parser.currentToken();
            if (token == null) {
                throw new InvalidInputException(where + "ends too early");
            }
            if (token == JsonToken.START_OBJECT) {
                objects.push(new HashSet<>());
            } else if (token == JsonToken.END_OBJECT) {
                objects.pop();
            }
            depth += token.isStructStart() ? 1 : token.isStructEnd() ? -1 : 0;
            if (token == JsonToken.FIELD_NAME) {
                keep(objects.element(), text(where), where);
                if (++ignoredFields > MAX_IGNORED_FIELDS) {
                    throw tooMany(where);
                }
            }
            if (token == JsonToken.VALUE_STRING) {
                text(where);
            }
            if (depth > 0) {
                parser.nextToken();
            }
        } while (depth > 0);
    }

    private static InvalidInputException tooMany(String where) {
        return new InvalidInputException(
                where + "more than " + MAX_IGNORED_FIELDS + " fields beyond those that are read");
    }
}
