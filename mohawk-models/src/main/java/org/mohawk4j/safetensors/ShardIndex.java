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
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import org.mohawk4j.InvalidInputException;

/**
 * {@code model.safetensors.index.json}: which shard holds which tensor, as {@code transformers} and
 * {@code huggingface_hub} write it.
 *
 * @param weightMap tensor name to the plain name of a file beside the index
 */
record ShardIndex(Map<String, String> weightMap) {
    static final String FILE_NAME = "model.safetensors.index.json";

    private static final int MAX_BYTES = 100_000_000;
    private static final int MAX_TENSORS = 500_000;
    private static final JsonFactory JSON = JsonFactory.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
            .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
            .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
            .streamReadConstraints(
                    StreamReadConstraints.builder().maxNestingDepth(100).build())
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
        InputFile.requireRegular(file);
        try {
            if (Files.size(file) > MAX_BYTES) {
                throw new InvalidInputException(
                        file + ": expected at most " + MAX_BYTES + " bytes, found " + Files.size(file));
            }
            String json = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(Files.readAllBytes(file)))
                    .toString();
            try (JsonParser parser = JSON.createParser(json)) {
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
        Map<String, String> weightMap = Map.of();
        boolean found = false;
        if (parser.nextToken() != JsonToken.START_OBJECT) {
            throw new InvalidInputException(file + ": expected an object");
        }
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            boolean isWeightMap = parser.currentName().equals("weight_map");
            JsonToken value = parser.nextToken();
            if (!isWeightMap) {
                parser.skipChildren();
            } else if (value == JsonToken.START_OBJECT) {
                weightMap = weightMap(file, parser);
                found = true;
            } else {
                throw new InvalidInputException(file + ": expected an object as weight_map");
            }
        }
        if (parser.nextToken() != null) {
            throw new InvalidInputException(file + ": goes on after its closing brace");
        }
        if (!found) {
            throw new InvalidInputException(file + ": has no weight_map");
        }
        return new ShardIndex(weightMap);
    }

    private static Map<String, String> weightMap(Path file, JsonParser parser) throws IOException {
        Map<String, String> weightMap = new LinkedHashMap<>();
        Map<String, String> shards = new HashMap<>();
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String tensor = parser.currentName();
            if (parser.nextToken() != JsonToken.VALUE_STRING) {
                throw new InvalidInputException(file + ": expected a file name for tensor " + InputFile.quote(tensor));
            }
            String shard = parser.getText();
            if (!isPlainFileName(shard)) {
                throw new InvalidInputException(file + ": expected a plain file name for tensor "
                        + InputFile.quote(tensor) + ", found " + InputFile.quote(shard));
            }
            if (weightMap.size() == MAX_TENSORS) {
                throw new InvalidInputException(file + ": lists more than " + MAX_TENSORS + " tensors");
            }
            weightMap.put(tensor, shards.computeIfAbsent(shard, name -> name));
        }
        return weightMap;
    }

    private static boolean isPlainFileName(String name) {
        return !name.isEmpty()
                && !name.equals(".")
                && !name.equals("..")
                && name.chars().noneMatch(c -> c == '/' || c == '\\' || c == ':' || Character.isISOControl(c));
    }

    /** The index as JSON, names sorted. */
    String toJson(long totalBytes) throws JsonProcessingException {
        ObjectNode root = JsonNodeFactory.instance.objectNode();
        root.putObject("metadata").put("total_size", totalBytes);
        ObjectNode weights = root.putObject("weight_map");
        new TreeMap<>(weightMap).forEach(weights::put);
        return WRITER.writeValueAsString(root) + "\n";
    }
}
