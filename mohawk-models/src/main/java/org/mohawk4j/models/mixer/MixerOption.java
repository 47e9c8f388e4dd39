package org.mohawk4j.models.mixer;

import java.util.List;
import java.util.Optional;

/**
 * An option of a kind of mixer.
 *
 * @param name in kebab case
 * @param fallback the default; empty if it follows from the teacher
 * @param shownFallback the default as a reader is told it
 * @param description what it sets, in a few words
 */
public record MixerOption(
        String name, Values values, Optional<Object> fallback, String shownFallback, String description) {
    /** @throws IllegalArgumentException if the default is none of the values */
    public MixerOption {
        if (fallback.isPresent() && values.read(fallback.get()).isEmpty()) {
            throw new IllegalArgumentException(
                    "option " + name + ": expected as default " + values.expected() + ", got " + shownFallback);
        }
    }

    /** A whole number. */
    public static MixerOption whole(String name, int fallback, int least, String description) {
        return of(name, new Whole(least), fallback, description);
    }

    /**
     * A whole number that follows from the teacher unless it is given.
     *
     * @param shownFallback how it follows, such as {@code the teacher's}
     */
    public static MixerOption derivedWhole(String name, String shownFallback, int least, String description) {
        return new MixerOption(name, new Whole(least), Optional.empty(), shownFallback, description);
    }

    /** A finite number. */
    public static MixerOption number(String name, double fallback, double least, double most, String description) {
        return of(name, new Numbers(least, most), fallback, description);
    }

    /** True or false. */
    public static MixerOption flag(String name, boolean fallback, String description) {
        return of(name, new Flag(), fallback, description);
    }

    /** One of some words, of which the first is the default. */
    public static MixerOption choice(String name, List<String> words, String description) {
        return of(name, new Choice(words), words.get(0), description);
    }

    private static MixerOption of(String name, Values values, Object fallback, String description) {
        return new MixerOption(name, values, Optional.of(fallback), String.valueOf(fallback), description);
    }

    /** The values that an option may have. */
    public sealed interface Values {
        /** What is expected, as in {@code expected a whole number of at least 1}. */
        String expected();

        /** A value as a configuration holds it; empty if it is none of these. */
        Optional<Object> read(Object value);

        /** The value that a text stands for; empty if it stands for none. */
        Optional<Object> parse(String text);
    }

    /** From {@code least} to 2^31-1. */
    public record Whole(int least) implements Values {
        @Override
        public String expected() {
            return "a whole number of at least " + least;
        }

        @Override
        public Optional<Object> read(Object value) {
            boolean isWhole = value instanceof Integer || value instanceof Long;
            long found = isWhole ? ((Number) value).longValue() : Long.MIN_VALUE;
            return isWhole && found >= least && found <= Integer.MAX_VALUE
                    ? Optional.of((int) found)
                    : Optional.empty();
        }

        @Override
        public Optional<Object> parse(String text) {
            try {
                return Optional.of(Integer.valueOf(text));
            } catch (NumberFormatException e) {
                return Optional.empty();
            }
        }
    }

    /** From {@code least} to {@code most}. */
    public record Numbers(double least, double most) implements Values {
        @Override
        public String expected() {
            return "a number from " + least + " to " + most;
        }

        @Override
        public Optional<Object> read(Object value) {
            if (!(value instanceof Number number)) {
                return Optional.empty();
            }
            double found = number.doubleValue();
            return found >= least && found <= most ? Optional.of(found) : Optional.empty();
        }

        @Override
        public Optional<Object> parse(String text) {
            try {
                return Optional.of(Double.valueOf(text));
            } catch (NumberFormatException e) {
                return Optional.empty();
            }
        }
    }

    /** True or false. */
    public record Flag() implements Values {
        @Override
        public String expected() {
            return "true or false";
        }

        @Override
        public Optional<Object> read(Object value) {
            return value instanceof Boolean ? Optional.of(value) : Optional.empty();
        }

        @Override
        public Optional<Object> parse(String text) {
            return text.equals("true") || text.equals("false") ? Optional.of(text.equals("true")) : Optional.empty();
        }
    }

    /** One of some words. */
    public record Choice(List<String> words) implements Values {
        public Choice {
            words = List.copyOf(words);
        }

        @Override
        public String expected() {
            return "one of " + String.join(", ", words);
        }

        @Override
        public Optional<Object> read(Object value) {
            return value instanceof String text ? parse(text) : Optional.empty();
        }

        @Override
        public Optional<Object> parse(String text) {
            return words.contains(text) ? Optional.of(text) : Optional.empty();
        }
    }
}
