package org.mohawk4j.train.metrics;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.io.InputFile;
import org.mohawk4j.train.checkpoint.Position;

/**
 * Reads the JSON lines of {@link MetricsWriter}, also of a run that is still writing them: a last line without its end
 * is left out.
 */
public final class MetricsReader {
    private static final ObjectMapper JSON = new ObjectMapper();

    private MetricsReader() {}

    /**
     * Hands over one step after the other, so that a long run's metrics never lie in memory together.
     *
     * @throws InvalidInputException for a missing file, or a line that is not the metrics of a step
     */
    public static void forEach(Path file, Consumer<? super StepMetrics> action) {
        if (!Files.isRegularFile(file)) {
            throw new InvalidInputException("metrics " + file + ": expected a file of JSON lines, found none");
        }
        try (BufferedReader lines = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
            int number = 0;
            for (String line = lines.readLine(); line != null; ) {
                number++;
                String next = lines.readLine();
                if (next != null || complete(line)) {
                    action.accept(parse(file, number, line));
                }
                line = next;
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read " + file, e);
        }
    }

    /** All steps, in order. */
    public static List<StepMetrics> read(Path file) {
        List<StepMetrics> steps = new ArrayList<>();
        forEach(file, steps::add);
        return steps;
    }

    private static boolean complete(String line) {
        return line.endsWith("}");
    }

    private static StepMetrics parse(Path file, int number, String line) {
        String place = "metrics " + file + " line " + number;
        try {
            JsonNode node = JSON.readTree(line);
            List<Double> layerLosses = new ArrayList<>();
            if (node.has(StepMetrics.LAYER_LOSSES)
                    && !node.path(StepMetrics.LAYER_LOSSES).isArray()) {
                throw expected("a list", StepMetrics.LAYER_LOSSES, place, node.path(StepMetrics.LAYER_LOSSES));
            }
            node.path(StepMetrics.LAYER_LOSSES)
                    .forEach(loss -> layerLosses.add(number(loss, "numbers", StepMetrics.LAYER_LOSSES, place)));
            Map<String, Object> extra = new LinkedHashMap<>();
            node.properties().forEach(entry -> {
                if (!StepMetrics.NAMES.contains(entry.getKey())) {
                    extra.put(entry.getKey(), plain(entry.getValue()));
                }
            });
            return new StepMetrics(
                    new Position((int) whole(node, StepMetrics.STAGE, Integer.MAX_VALUE, place), (int)
                            whole(node, StepMetrics.STEP, Integer.MAX_VALUE, place)),
                    whole(node, StepMetrics.TOKENS, Long.MAX_VALUE, place),
                    number(node, StepMetrics.SECONDS, place),
                    number(node, StepMetrics.LOSS, place),
                    layerLosses,
                    number(node, StepMetrics.LEARNING_RATE, place),
                    number(node, StepMetrics.GRADIENT_NORM, place),
                    extra);
        } catch (JsonProcessingException e) {
            throw new InvalidInputException(place + ": expected a JSON object, found " + e.getOriginalMessage(), e);
        }
    }

    /** From 0. */
    private static long whole(JsonNode node, String name, long most, String place) {
        JsonNode value = node.path(name);
        if (!value.isIntegralNumber()
                || !value.canConvertToLong()
                || value.longValue() < 0
                || value.longValue() > most) {
            throw expected("a whole number", name, place, value);
        }
        return value.longValue();
    }

    private static double number(JsonNode node, String name, String place) {
        return number(node.path(name), "a number", name, place);
    }

    private static double number(JsonNode value, String kind, String name, String place) {
        if (!value.isNumber() && !value.isNull()) {
            throw expected(kind, name, place, value);
        }
        return value.isNull() ? Double.NaN : value.asDouble();
    }

    private static InvalidInputException expected(String kind, String name, String place, JsonNode found) {
        return new InvalidInputException(
                place + ": expected " + kind + " " + name + ", found " + InputFile.shorten(found.toString()));
    }

    private static Object plain(JsonNode value) {
        if (value.isBoolean()) {
            return value.booleanValue();
        }
        if (value.isNull()) {
            return Double.NaN;
        }
        if (value.isArray()) {
            List<Integer> list = new ArrayList<>();
            value.forEach(element -> list.add(element.asInt()));
            return List.copyOf(list);
        }
        return value.isNumber() ? value.numberValue() : value.asText();
    }
}
