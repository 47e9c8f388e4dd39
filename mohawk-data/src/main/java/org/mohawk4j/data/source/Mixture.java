package org.mohawk4j.data.source;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.UserHome;

/**
 * Sources of text and their weights: files, folders and patterns, each perhaps with a weight behind {@code =}, such as
 * {@code c4/*.json.gz=0.8}. In a configuration one text, or a list of them.
 *
 * @param locations as a user gave them, {@code ~/} replaced by the home folder
 */
public record Mixture(List<String> locations) {
    private static final Pattern WEIGHTED = Pattern.compile("(.+)=(\\d+(?:\\.\\d+)?(?:[eE][-+]?\\d+)?)");

    /** Checks that there is a location and that all of them have weights or none. */
    public Mixture {
        locations = locations.stream().map(UserHome::expand).toList();
        if (locations.isEmpty()) {
            throw new InvalidInputException("texts: expected at least one file, folder or pattern, got none");
        }
        parts(locations);
    }

    /**
     * Texts that are read as one: every document of them once in each pass.
     *
     * @param weight share of the tokens trained on, relative to the other parts
     */
    public record Part(List<String> locations, double weight) {
        public Part {
            locations = List.copyOf(locations);
        }

        /** The files, in the order of the locations. */
        public List<Shard> files() {
            return locations.stream()
                    .flatMap(location -> ShardFinder.find(location).stream())
                    .toList();
        }
    }

    /** The files in its folders that are not read, since their names do not say what they hold. */
    public List<Path> skippedFiles() {
        return parts().stream()
                .flatMap(part -> part.locations().stream())
                .flatMap(location -> ShardFinder.skippedFiles(location).stream())
                .toList();
    }

    /** Reads a configuration's value: a text or a list of texts. */
    @JsonCreator(mode = JsonCreator.Mode.DELEGATING)
    static Mixture of(JsonNode value) {
        List<String> locations = new ArrayList<>();
        for (JsonNode location : value.isArray() ? value : List.of(value)) {
            if (!location.isTextual() || location.textValue().isEmpty()) {
                throw new InvalidInputException(
                        "texts: expected a file, a folder or a pattern, or a list of them, got " + value);
            }
            locations.add(location.textValue());
        }
        return new Mixture(locations);
    }

    /** As a configuration has it. */
    @JsonValue
    Object value() {
        return locations.size() == 1 ? locations.get(0) : locations;
    }

    /** The parts: one of all locations if they have no weights, else one for each. */
    public List<Part> parts() {
        return parts(locations);
    }

    private static List<Part> parts(List<String> locations) {
        List<Part> weighted = new ArrayList<>();
        for (String location : locations) {
            Matcher matcher = WEIGHTED.matcher(location);
            if (matcher.matches() && !exists(location)) {
                double weight = Double.parseDouble(matcher.group(2));
                if (!(weight > 0) || Double.isInfinite(weight)) {
                    throw new InvalidInputException("texts: expected weights above 0, got " + location);
                }
                weighted.add(new Part(List.of(matcher.group(1)), weight));
            }
        }
        if (weighted.isEmpty()) {
            return List.of(new Part(locations, 1));
        }
        if (weighted.size() < locations.size()) {
            throw new InvalidInputException(
                    "texts: expected a weight for each or for none, got " + String.join(" ", locations));
        }
        return weighted;
    }

    /** Whether this is a file's name, whatever it looks like. */
    static boolean exists(String location) {
        try {
            return Files.exists(Path.of(location));
        } catch (InvalidPathException e) {
            return false;
        }
    }

    @Override
    public String toString() {
        return String.join(" ", locations);
    }
}
