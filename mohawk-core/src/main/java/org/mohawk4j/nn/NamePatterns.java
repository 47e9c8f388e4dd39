package org.mohawk4j.nn;

import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.mohawk4j.InvalidInputException;

/** Names of parameters, where {@code *} stands for anything. */
public final class NamePatterns implements Predicate<String> {
    private final List<Predicate<String>> patterns;

    public NamePatterns(List<String> patterns) {
        this.patterns = patterns.stream().map(NamePatterns::glob).toList();
    }

    /** Whether one of them, at least, stands for this name. */
    @Override
    public boolean test(String name) {
        return patterns.stream().anyMatch(pattern -> pattern.test(name));
    }

    /**
     * Refuses a pattern that stands for none of the names.
     *
     * @param key where the patterns come from
     * @param names of the student's parameters
     */
    public static void requireFound(String key, List<String> patterns, Collection<String> names) {
        for (String pattern : patterns) {
            if (names.stream().noneMatch(glob(pattern))) {
                throw new InvalidInputException(key + ": expected names of the student's parameters, such as "
                        + names.iterator().next() + ", found none for " + pattern);
            }
        }
    }

    private static Predicate<String> glob(String pattern) {
        String regex =
                Arrays.stream(pattern.split("\\*", -1)).map(Pattern::quote).collect(Collectors.joining(".*"));
        return Pattern.compile(regex).asMatchPredicate();
    }
}
