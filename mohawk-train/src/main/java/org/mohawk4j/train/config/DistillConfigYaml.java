package org.mohawk4j.train.config;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLGenerator;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.io.InputFile;
import org.mohawk4j.io.Utf8;
import org.mohawk4j.train.yaml.ConfigMapper;
import org.mohawk4j.train.yaml.YamlTree;

/**
 * {@link DistillConfig} as YAML. Keys that a file leaves out keep their defaults; a key that does not exist, a value of
 * the wrong type or out of range fails with one line naming the file, the key, the expected and the actual. What is
 * written holds every value in force, except what a stage takes from the run, and reads back as the same configuration.
 */
public final class DistillConfigYaml {
    /** The most bytes that are read: a configuration has a few thousand. */
    private static final long MAX_BYTES = 1 << 20;

    private static final ObjectMapper WRITER = new YAMLMapper(YAMLFactory.builder()
            .disable(YAMLGenerator.Feature.WRITE_DOC_START_MARKER)
            .enable(YAMLGenerator.Feature.MINIMIZE_QUOTES)
            .enable(YAMLGenerator.Feature.ALWAYS_QUOTE_NUMBERS_AS_STRINGS)
            .build());

    private DistillConfigYaml() {}

    /**
     * Reads a file.
     *
     * @throws InvalidInputException for a missing or unreadable file, YAML that does not parse, or a wrong key or value
     */
    public static DistillConfig read(Path file) {
        return parse("configuration " + file, text(file));
    }

    /**
     * As {@link #read}, of a file that a run has written with every value in force. What was no key yet when it was written
     * has the value that it had then.
     */
    public static DistillConfig readRun(Path file) {
        return parseRun("configuration " + file, text(file));
    }

    private static String text(Path file) {
        String name = "configuration " + file;
        if (!Files.isRegularFile(file)) {
            throw new InvalidInputException(name + ": expected a YAML file, found " + InputFile.whatIsAt(file));
        }
        InputFile.requireRegular(file);
        try {
            if (Files.size(file) > MAX_BYTES) {
                throw new InvalidInputException(
                        name + ": expected at most " + MAX_BYTES + " bytes, found " + Files.size(file));
            }
            return Utf8.decode(ByteBuffer.wrap(Files.readAllBytes(file)), 0, name);
        } catch (IOException e) {
            throw InputFile.unreadable(file, e);
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
        return bind(name, YamlTree.read(name, yaml));
    }

    /** As {@link #parse}, of what {@link #format} has written. */
    public static DistillConfig parseRun(String name, String yaml) {
        JsonNode tree = YamlTree.read(name, yaml);
        if (tree.path("optimizer") instanceof ObjectNode optimizer && !optimizer.has("groups")) {
            optimizer.putArray("groups");
        }
        return bind(name, tree);
    }

    private static DistillConfig bind(String name, JsonNode tree) {
        if (tree.isMissingNode() || tree.isNull()) {
            return DistillConfig.defaults();
        }
        if (!(tree instanceof ObjectNode values)) {
            throw new InvalidInputException(name + ": expected keys and values, found " + ConfigMapper.describe(tree));
        }
        try {
            return ConfigTree.of(DistillConfig.defaults()).overlay(values).bind();
        } catch (InvalidInputException e) {
            throw new InvalidInputException(name + ": " + e.getMessage(), e);
        }
    }

    static DistillConfig with(DistillConfig config, Map<String, ?> values) {
        return ConfigTree.of(config).overlay(ConfigTree.nest(values)).bind();
    }

    /** Every value in force, as YAML. */
    public static String format(DistillConfig config) {
        try {
            return WRITER.writeValueAsString(ConfigTree.of(config).written());
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a configuration is always writable", e);
        }
    }
}
