package org.mohawk4j.models.mixer;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.InvalidInputException;

/**
 * The options of one mixer, checked, with the defaults of those that are not given.
 *
 * @param mixer its name, for messages
 * @param values of every option by name, in the order in which the format lists them: an {@link Integer}, {@link Double},
 *     {@link Boolean} or {@link String}; null if it follows from the teacher
 */
public record MixerOptions(String mixer, Map<String, @Nullable Object> values) {
    public MixerOptions {
        values = Collections.unmodifiableMap(new LinkedHashMap<>(values));
    }

    /**
     * Checks what is given.
     *
     * @param given values by name, as a configuration holds them; null is as good as none
     * @throws InvalidInputException for an option that the format does not have, or a value that the option may not have
     */
    public static MixerOptions of(MixerFormat format, Map<String, ? extends @Nullable Object> given) {
        Map<String, @Nullable Object> values = new LinkedHashMap<>();
        format.options()
                .forEach(option -> values.put(option.name(), option.fallback().orElse(null)));
        MixerOptions options = new MixerOptions(format.name(), values);
        for (String name : given.keySet()) {
            MixerOption option = option(format, name);
            Object value = given.get(name);
            if (value != null) {
                values.put(name, options.read(option, value));
            } else if (option.fallback().isPresent()) {
                throw options.refused(name, option.values().expected(), "nothing");
            }
        }
        return new MixerOptions(format.name(), values);
    }

    private Object read(MixerOption option, Object value) {
        return option.values()
                .read(value)
                .orElseThrow(() -> wrong(option.name(), option.values().expected(), value));
    }

    /**
     * The option of a name.
     *
     * @throws InvalidInputException if the format has none
     */
    public static MixerOption option(MixerFormat format, String name) {
        return format.options().stream()
                .filter(option -> option.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new InvalidInputException("mixer " + format.name() + ": expected "
                        + (format.options().isEmpty()
                                ? "no options"
                                : "one of the options "
                                        + format.options().stream()
                                                .map(MixerOption::name)
                                                .collect(Collectors.joining(", ")))
                        + ", got the unknown option '" + name + "'"));
    }

    /** A whole number that has a default. */
    public int whole(String name) {
        return value(name, Integer.class).orElseThrow(() -> undeclared(name));
    }

    /** A whole number that may follow from the teacher. */
    public Optional<Integer> derivedWhole(String name) {
        return value(name, Integer.class);
    }

    /**
     * A whole number that divides another.
     *
     * @param fallback if it is not given
     * @param dividend what it divides
     * @param what the other number is, for the message
     * @throws InvalidInputException if it does not divide it
     */
    public int divisor(String name, int fallback, long dividend, String what) {
        int value = derivedWhole(name).orElse(fallback);
        if (dividend % value != 0) {
            throw wrong(name, "a divisor of " + dividend + ", " + what, value);
        }
        return value;
    }

    public double number(String name) {
        return value(name, Double.class).orElseThrow(() -> undeclared(name));
    }

    public boolean flag(String name) {
        return value(name, Boolean.class).orElseThrow(() -> undeclared(name));
    }

    /** One of the words of a choice. */
    public String choice(String name) {
        return value(name, String.class).orElseThrow(() -> undeclared(name));
    }

    /** The refusal of a value. */
    public InvalidInputException wrong(String name, String expected, Object actual) {
        return refused(name, expected, actual instanceof String ? "'" + actual + "'" : actual.toString());
    }

    private InvalidInputException refused(String name, String expected, String found) {
        return new InvalidInputException(
                "mixer " + mixer + ": option " + name + ": expected " + expected + ", got " + found);
    }

    private <T> Optional<T> value(String name, Class<T> type) {
        return Optional.ofNullable(values.get(name)).map(type::cast);
    }

    private IllegalArgumentException undeclared(String name) {
        return new IllegalArgumentException("mixer " + mixer + " has no option " + name + " with a default");
    }
}
