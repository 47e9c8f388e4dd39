package org.mohawk4j.train.run;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLGenerator;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLParser;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.safetensors.InputFile;

/**
 * {@link DistillConfig} as YAML. Keys that a file leaves out keep their defaults; a key that does not exist, a value of
 * the wrong type or out of range fails with one line naming the file, the key, the expected and the actual. What is
 * written holds every value in force and reads back as the same configuration.
 */
public final class DistillConfigYaml {
    private static final ObjectMapper YAML = YAMLMapper.builder(YAMLFactory.builder()
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .enable(YAMLParser.Feature.EMPTY_STRING_AS_NULL)
                    .disable(YAMLGenerator.Feature.WRITE_DOC_START_MARKER)
                    .enable(YAMLGenerator.Feature.MINIMIZE_QUOTES)
                    .enable(YAMLGenerator.Feature.ALWAYS_QUOTE_NUMBERS_AS_STRINGS)
                    .build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private DistillConfigYaml() {}

    /**
     * Reads a file.
     *
     * @throws InvalidInputException for a missing file, YAML that does not parse, or a wrong key or value
     */
    public static DistillConfig read(Path file) {
        String name = "configuration " + file;
        if (!Files.isRegularFile(file)) {
            throw new InvalidInputException(name + ": expected a YAML file, found " + InputFile.whatIsAt(file));
        }
        InputFile.requireRegular(file);
        try {
            return parse(name, YAML.readTree(file.toFile()));
        } catch (JsonProcessingException e) {
            throw malformed(name, e);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read " + name, e);
        }
    }

    /**
     * Reads a text.
     *
     * @param name what error messages call it
     * @param yaml a mapping of keys to values, or nothing
     * @throws InvalidInputException for YAML that does not parse, or a wrong key or value
     */
    public static DistillConfig parse(String name, String yaml) {
        try {
            return parse(name, YAML.readTree(yaml));
        } catch (JsonProcessingException e) {
            throw malformed(name, e);
        }
    }

    private static DistillConfig parse(String name, JsonNode tree) {
        if (tree.isMissingNode() || tree.isNull()) {
            return DistillConfig.defaults();
        }
        if (!(tree instanceof ObjectNode values)) {
            throw new InvalidInputException(name + ": expected keys and values, found " + ConfigTree.describe(tree));
        }
        try {
            return ConfigTree.of(DistillConfig.defaults()).overlay(values).bind();
        } catch (InvalidInputException e) {
            throw new InvalidInputException(name + ": " + e.getMessage(), e);
        }
    }

    private static InvalidInputException malformed(String name, JsonProcessingException e) {
        String place = e.getLocation() == null
                ? ""
                : " at line " + e.getLocation().getLineNr() + ", column "
                        + e.getLocation().getColumnNr();
        return new InvalidInputException(name + ": expected YAML, found" + place + ": " + e.getOriginalMessage(), e);
    }

    static DistillConfig with(DistillConfig config, Map<String, ?> values) {
        return ConfigTree.of(config).overlay(ConfigTree.nest(values)).bind();
    }

    /** Every value in force, as YAML. */
    public static String format(DistillConfig config) {
        try {
            return YAML.writeValueAsString(ConfigTree.of(config).root());
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a configuration is always writable", e);
        }
    }
}
