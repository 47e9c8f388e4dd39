package org.mohawk4j.train.yaml;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.util.JsonParserDelegate;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLParser;
import java.io.IOException;
import java.util.Locale;
import java.util.Set;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.io.InputFile;
import org.yaml.snakeyaml.error.Mark;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.reader.ReaderException;

/**
 * Reads one document of YAML as a tree. What would be read as something else than it means (an alias as its name, a
 * value with a tag of another program as text) is refused, and what is no YAML is told without the words of its parser.
 */
public final class YamlTree {
    private static final ObjectMapper YAML = new ObjectMapper(YAMLFactory.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(YAMLParser.Feature.EMPTY_STRING_AS_NULL)
            .build());
    private static final String STANDARD = "tag:yaml.org,2002:";
    private static final Set<String> TAGS = Set.of("str", "int", "float", "bool", "null", "seq", "map");

    private YamlTree() {}

    /**
     * @param name what error messages call it
     * @return missing if there is nothing in it
     * @throws InvalidInputException for what is no YAML or no single document, and for aliases and foreign tags
     */
    public static JsonNode read(String name, String yaml) {
        try (JsonParser parser = new Plain(name, YAML.getFactory().createParser(yaml))) {
            JsonNode tree = YAML.readTree(parser);
            if (parser.nextToken() != null) {
                throw new InvalidInputException(name + ": expected one document, found another"
                        + at(parser.currentTokenLocation().getLineNr(), 1));
            }
            return tree == null ? MissingNode.getInstance() : tree;
        } catch (JsonProcessingException e) {
            throw malformed(name, yaml, e);
        } catch (IOException e) {
            throw new IllegalStateException("a text in memory is always readable", e);
        }
    }

    /** Passes on what is the same in every reading of YAML. */
    private static final class Plain extends JsonParserDelegate {
        private final String name;

        Plain(String name, JsonParser yaml) {
            super(yaml);
            this.name = name;
        }

        @Override
        public JsonToken nextToken() throws IOException {
            JsonToken token = super.nextToken();
            if (delegate instanceof YAMLParser yaml && yaml.isCurrentAlias()) {
                throw refused("a value", "the alias *" + getText() + "; text that begins with * stands in quotes");
            }
            String tag = token == null || getTypeId() == null ? "" : getTypeId().toString();
            if (!tag.isEmpty() && !(tag.startsWith(STANDARD) && TAGS.contains(tag.substring(STANDARD.length())))) {
                throw refused("a value without a tag", "tag " + InputFile.quote(tag));
            }
            return token;
        }

        private InvalidInputException refused(String expected, String found) {
            JsonLocation place = currentTokenLocation();
            return new InvalidInputException(
                    name + ": expected " + expected + at(place.getLineNr(), place.getColumnNr()) + ", found " + found);
        }
    }

    private static InvalidInputException malformed(String name, String yaml, JsonProcessingException e) {
        JsonLocation location = e.getLocation();
        String place = location == null ? "" : at(location.getLineNr(), location.getColumnNr());
        String problem = "";
        if (e.getCause() instanceof MarkedYAMLException marked) {
            Mark mark = marked.getProblemMark();
            place = mark == null ? place : at(mark.getLine() + 1, mark.getColumn() + 1);
            problem = explained(marked);
        } else if (e.getCause() instanceof ReaderException unprintable) {
            String before = yaml.substring(0, yaml.offsetByCodePoints(0, unprintable.getPosition()));
            place = at(before.split("\\R", -1).length, before.length() - before.lastIndexOf('\n'));
            problem = String.format(Locale.ROOT, "the control character U+%04X", unprintable.getCodePoint());
        } else if (e instanceof JsonParseException && e.getOriginalMessage().startsWith("Duplicate field")) {
            problem = e.getOriginalMessage().replace("Duplicate field", "a second key");
        } else if (e instanceof JsonParseException) {
            problem = "a key that is not a word";
        } else {
            problem = InputFile.withoutParserDetail(e.getOriginalMessage());
        }
        return new InvalidInputException(
                name + ": expected YAML, found" + place + ": " + InputFile.shorten(problem), e);
    }

    /** What the parser found, without its names for parts of a text. */
    private static String explained(MarkedYAMLException e) {
        String problem = e.getProblem();
        if (String.valueOf(e.getContext()).startsWith("while scanning an alias")) {
            return "no name behind *; text that begins with * stands in quotes";
        }
        if (problem.startsWith("expected <block end>")) {
            return "an entry of another kind than those before it, or indented otherwise";
        }
        if (problem.startsWith("expected '<document start>'")) {
            return "something behind the end of the document";
        }
        return problem.replaceAll("\\.? \\(Do not use .*\\)", "")
                .replaceAll("^found |unexpected (?=end of stream)", "")
                .replace("start any token", "begin a value")
                .replaceAll("(?:<(?:stream|document|block) end>|end of stream)", "the end of the text")
                .replaceAll("<(?:block )?(\\w+)(?: \\w+)?>", "$1");
    }

    private static String at(int line, int column) {
        return " at line " + line + ", column " + column;
    }
}
