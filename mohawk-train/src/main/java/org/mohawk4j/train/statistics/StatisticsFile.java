package org.mohawk4j.train.statistics;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import org.mohawk4j.InvalidInputException;

/** The lines of {@code statistics.jsonl}: one {@link RunDescription}, then {@link StepStatistics}. */
public final class StatisticsFile {
    private static final ObjectMapper JSON = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
            .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
            .build();

    private StatisticsFile() {}

    /** A line, without its end. */
    static String format(Object line) {
        try {
            return JSON.writeValueAsString(line);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a record of numbers and texts is always JSON", e);
        }
    }

    /**
     * Reads a line.
     *
     * @param place for the message
     * @param type {@link RunDescription} for the first line, {@link StepStatistics} for the others
     * @throws InvalidInputException if it is another thing
     */
    public static <T> T parse(String place, String line, Class<T> type) {
        try {
            return JSON.readValue(line, type);
        } catch (JsonProcessingException e) {
            throw new InvalidInputException(
                    place + ": expected " + type.getSimpleName() + " in JSON, found " + e.getOriginalMessage(), e);
        }
    }
}
