package org.mohawk4j.safetensors;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.core.util.Separators;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectWriter;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.io.InputFile;
import org.mohawk4j.io.StrictJson;

/**
 * {@code model.safetensors.index.json}: which shard holds which tensor, as {@code transformers} and
 * {@code huggingface_hub} write it.
 *
 * @param weightMap tensor name to the plain name of a file beside the index
 */
record ShardIndex(Map<String, String> weightMap) {
    static final String FILE_NAME = "model.safetensors.index.json";

    private static final String WEIGHT_MAP = "weight_map";

    private static final int MAX_BYTES = 100_000_000;
    private static final int MAX_NAME_CHARACTERS = 1 << 25;
    private static final int MAX_SHARD_NAME = 255;
    private static final JsonFactory JSON = JsonFactory.builder()
            .disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
            .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
            .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxDocumentLength(MAX_BYTES)
                    .maxNestingDepth(100)
                    .build())
            .build();
    private static final ObjectWriter WRITER = new ObjectMapper()
            .writer(new DefaultPrettyPrinter()
                    .withSeparators(
                            Separators.createDefaultInstance().withObjectFieldValueSpacing(Separators.Spacing.AFTER))
                    .withObjectIndenter(new DefaultIndenter("  ", "\n")));

    /**
     * Reads an index.
     *
     * @throws InvalidInputException if it cannot be read, is not an index, or names a file outside its folder
     */
    static ShardIndex read(Path file) {
        InputFile.requireRegular(file, MAX_BYTES);
        try {
            CharsetDecoder utf8 = StandardCharsets.UTF_8
                    .newDecoder()
                    .onMalformedInput(CodingErrorAction.REPORT)
                    .onUnmappableCharacter(CodingErrorAction.REPORT);
            try (Reader text = new InputStreamReader(Files.newInputStream(file), utf8);
                    JsonParser parser = JSON.createParser(text)) {
                return read(file, parser);
            }
        } catch (CharacterCodingException e) {
            throw new InvalidInputException(file + ": not UTF-8", e);
        } catch (JsonProcessingException e) {
            throw InputFile.notJson(file.toString(), e);
        } catch (IOException e) {
            throw InputFile.unreadable(file, e);
        }
    }

    private static ShardIndex read(Path file, JsonParser parser) throws IOException {
        StrictJson strict = new StrictJson(parser);
        String where = file + ": ";
        Map<String, String> weightMap = Map.of();
        Set<String> fields = new HashSet<>();
        if (parser.nextToken() != JsonToken.START_OBJECT) {
            throw new InvalidInputException(where + "expected an object");
        }
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String field = strict.text(where);
            StrictJson.keep(fields, field, where);
            JsonToken value = parser.nextToken();
            if (!field.equals(WEIGHT_MAP)) {
                strict.skip(where);
            } else if (value == JsonToken.START_OBJECT) {
                weightMap = weightMap(where, parser, strict);
            } else {
                throw new InvalidInputException(where + "expected an object as " + WEIGHT_MAP);
            }
        }
        if (parser.nextToken() != null) {
            throw new InvalidInputException(where + "expected the end after its closing brace, found more");
        }
        if (!fields.contains(WEIGHT_MAP)) {
            throw new InvalidInputException(where + "has no " + WEIGHT_MAP);
        }
        return new ShardIndex(weightMap);
    }

    private static Map<String, String> weightMap(String where, JsonParser parser, StrictJson strict)
            throws IOException {
        Map<String, String> weightMap = new LinkedHashMap<>();
        Map<String, String> shards = new HashMap<>();
        long characters = 0;
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String tensor = strict.text(where);
            if (parser.nextToken() != JsonToken.VALUE_STRING) {
                throw new InvalidInputException(where + "expected a file name for tensor " + InputFile.quote(tensor));
            }
            String shard = strict.text(where);
            if (!isPlainFileName(shard)) {
                throw new InvalidInputException(where + "expected a plain file name for tensor "
                        + InputFile.quote(tensor) + ", found " + InputFile.quote(shard));
            }
            characters += tensor.length();
            if (weightMap.size() == SafetensorsHeader.MAX_TENSORS || characters > MAX_NAME_CHARACTERS) {
                throw new InvalidInputException(where + "lists more than " + SafetensorsHeader.MAX_TENSORS
                        + " tensors or " + MAX_NAME_CHARACTERS + " characters of their names");
            }
            if (weightMap.put(tensor, shards.computeIfAbsent(shard, name -> name)) != null) {
                throw new InvalidInputException(where + "tensor " + InputFile.quote(tensor) + " given twice");
            }
        }
        if (weightMap.isEmpty()) {
            throw new InvalidInputException(where + "lists no tensor in " + WEIGHT_MAP);
        }
        return weightMap;
    }

    private static boolean isPlainFileName(String name) {
        return !name.isEmpty()
                && name.length() <= MAX_SHARD_NAME
                && !name.equals(".")
                && !name.equals("..")
                && name.chars().noneMatch(c -> c == '/' || c == '\\' || c == ':' || Character.isISOControl(c));
    }

    /** The index as JSON, names sorted. */
    String toJson(long totalBytes) throws JsonProcessingException {
        ObjectNode root = JsonNodeFactory.instance.objectNode();
        root.putObject("metadata").put("total_size", totalBytes);
        ObjectNode weights = root.putObject(WEIGHT_MAP);
        new TreeMap<>(weightMap).forEach(weights::put);
        return WRITER.writeValueAsString(root) + "\n";
    }
}
