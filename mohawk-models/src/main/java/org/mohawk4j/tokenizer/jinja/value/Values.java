package org.mohawk4j.tokenizer.jinja.value;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Python's view of values: {@code null} is None; {@code Boolean}, {@code Long}, {@code Double} and {@code String} are
 * what they are; {@code List}, {@link Tuple} and {@code Map} are lists, tuples and dicts.
 */
public final class Values {
    private static final String NONE = "None";

    private Values() {}

    public static boolean isTrue(@Nullable Object value) {
        if (value instanceof Boolean flag) {
            return flag;
        }
        if (value instanceof Number) {
            return Numbers.real(value) != 0;
        }
        if (value instanceof String text) {
            return !text.isEmpty();
        }
        if (value instanceof Collection<?> elements) {
            return !elements.isEmpty();
        }
        if (value instanceof Map<?, ?> entries) {
            return !entries.isEmpty();
        }
        return value != null && !(value instanceof Undefined);
    }

    /** {@code str(value)}. */
    public static String text(@Nullable Object value) {
        return value instanceof String || value instanceof Undefined ? value.toString() : repr(value);
    }

    /** {@code repr(value)}. */
    public static String repr(@Nullable Object value) {
        if (value == null) {
            return NONE;
        }
        if (value instanceof Boolean flag) {
            return flag ? "True" : "False";
        }
        if (value instanceof Double number) {
            return Numbers.shown(number);
        }
        if (value instanceof String text) {
            return quoted(text);
        }
        if (value instanceof Tuple tuple) {
            return "(" + joined(tuple, Values::repr) + (tuple.size() == 1 ? ",)" : ")");
        }
        if (value instanceof List<?> list) {
            return "[" + joined(list, Values::repr) + "]";
        }
        if (value instanceof Map<?, ?> map) {
            return "{" + joined(map.entrySet(), entry -> repr(entry.getKey()) + ": " + repr(entry.getValue())) + "}";
        }
        return value instanceof Undefined ? "Undefined" : value.toString();
    }

    private static <T extends @Nullable Object> String joined(Collection<T> all, Function<T, String> shown) {
        return all.stream().map(shown).collect(Collectors.joining(", "));
    }

    private static String quoted(String text) {
        String quote = text.contains("'") && !text.contains("\"") ? "\"" : "'";
        StringBuilder shown = new StringBuilder(quote);
        text.codePoints().forEach(c -> {
            switch (c) {
                case '\n' -> shown.append("\\n");
                case '\t' -> shown.append("\\t");
                case '\r' -> shown.append("\\r");
                case '\\' -> shown.append("\\\\");
                case '\'' -> shown.append(quote.equals("'") ? "\\'" : "'");
                default -> {
                    if (c < ' ' || c == 0x7f) {
                        shown.append(String.format("\\x%02x", c));
                    } else {
                        shown.appendCodePoint(c);
                    }
                }
            }
        });
        return shown.append(quote).toString();
    }

    public static boolean equal(@Nullable Object a, @Nullable Object b) {
        if (Numbers.isNumber(a) && Numbers.isNumber(b)) {
            return compare(a, b) == 0;
        }
        if (a instanceof List<?> one && b instanceof List<?> other) {
            boolean sameKind = (a instanceof Tuple) == (b instanceof Tuple);
            return sameKind && one.size() == other.size() && pairwise(one, other) == one.size();
        }
        if (a instanceof Map<?, ?> one && b instanceof Map<?, ?> other) {
            return one.size() == other.size()
                    && one.entrySet().stream()
                            .allMatch(entry -> other.containsKey(entry.getKey())
                                    && equal(entry.getValue(), other.get(entry.getKey())));
        }
        return (a instanceof Undefined && b instanceof Undefined) || Objects.equals(a, b);
    }

    /** How many elements are equal before the first that differs. */
    private static int pairwise(List<?> a, List<?> b) {
        int same = 0;
        while (same < Math.min(a.size(), b.size()) && equal(a.get(same), b.get(same))) {
            same++;
        }
        return same;
    }

    /** Negative, 0 or positive. */
    public static int compare(@Nullable Object a, @Nullable Object b) {
        if (Numbers.isNumber(a) && Numbers.isNumber(b)) {
            return Numbers.isWhole(a) && Numbers.isWhole(b)
                    ? Long.compare(Numbers.whole(a), Numbers.whole(b))
                    : Double.compare(Numbers.real(a), Numbers.real(b));
        }
        if (a instanceof String one && b instanceof String other) {
            int[] first = one.codePoints().toArray();
            int[] second = other.codePoints().toArray();
            return java.util.Arrays.compare(first, second);
        }
        if (a instanceof List<?> one && b instanceof List<?> other) {
            int same = pairwise(one, other);
            return same < Math.min(one.size(), other.size())
                    ? compare(one.get(same), other.get(same))
                    : Integer.compare(one.size(), other.size());
        }
        throw new TemplateException("cannot order " + repr(a) + " and " + repr(b));
    }

    public static boolean contains(@Nullable Object container, @Nullable Object value) {
        if (container instanceof String text && value instanceof String part) {
            return text.contains(part);
        }
        if (container instanceof Map<?, ?> map) {
            return map.containsKey(value);
        }
        if (container instanceof String) {
            throw new TemplateException("expected a text to look for in a text, found " + repr(value));
        }
        return elements(container).stream().anyMatch(element -> equal(element, value));
    }

    /** What a loop over a value goes through: elements, keys, or characters. */
    public static List<@Nullable Object> elements(@Nullable Object value) {
        if (value instanceof Collection<?> all) {
            return new ArrayList<>(all);
        }
        if (value instanceof Map<?, ?> map) {
            return new ArrayList<>(map.keySet());
        }
        if (value instanceof String text) {
            return text.codePoints()
                    .mapToObj(c -> (Object) new String(Character.toChars(c)))
                    .collect(Collectors.toCollection(ArrayList::new));
        }
        if (value instanceof Undefined) {
            return new ArrayList<>();
        }
        throw new TemplateException("expected something to go through, found " + repr(value));
    }

    static long length(@Nullable Object value) {
        if (value instanceof String text) {
            return text.codePointCount(0, text.length());
        }
        return value instanceof Map<?, ?> map ? map.size() : elements(value).size();
    }

    /** {@code value[key]}. */
    public static @Nullable Object item(@Nullable Object value, @Nullable Object key) {
        requireDefined(value);
        if (value instanceof Map<?, ?> map && map.containsKey(key)) {
            return map.get(key);
        }
        if (Numbers.isWhole(key) && (value instanceof List<?> || value instanceof String)) {
            List<@Nullable Object> all = elements(value);
            long index = Numbers.whole(key);
            long place = index < 0 ? index + all.size() : index;
            return place >= 0 && place < all.size() ? all.get((int) place) : new Undefined("element " + index);
        }
        return key instanceof String name ? ownAttribute(value, name) : new Undefined(text(key));
    }

    /** {@code value.name}: an attribute, or else an item. */
    public static @Nullable Object attribute(@Nullable Object value, String name) {
        requireDefined(value);
        Object own = ownAttribute(value, name);
        return own instanceof Undefined && value instanceof Map<?, ?> map && map.containsKey(name)
                ? map.get(name)
                : own;
    }

    private static @Nullable Object ownAttribute(@Nullable Object value, String name) {
        if (value instanceof Attributes object) {
            return object.attribute(name);
        }
        @Nullable Callable method = Methods.of(value, name);
        return method == null ? new Undefined(name) : method;
    }

    private static void requireDefined(@Nullable Object value) {
        if (value instanceof Undefined missing) {
            throw missing.used();
        }
    }

    /** {@code value[from:to:step]}, each of which may be None. */
    public static Object slice(
            @Nullable Object value, @Nullable Object from, @Nullable Object to, @Nullable Object step) {
        requireDefined(value);
        if (!(value instanceof List<?>) && !(value instanceof String)) {
            throw new TemplateException("expected a list or a text to take a part of, found " + repr(value));
        }
        List<@Nullable Object> all = elements(value);
        long by = step == null ? 1 : Numbers.whole(step);
        if (by == 0) {
            throw new TemplateException("expected a step other than 0 in a slice");
        }
        int size = all.size();
        long start = bound(from, size, by, by > 0 ? 0 : size - 1L);
        long end = bound(to, size, by, by > 0 ? size : -1L);
        List<@Nullable Object> part = new ArrayList<>();
        for (long i = start; by > 0 ? i < end : i > end; i += by) {
            part.add(all.get((int) i));
        }
        if (value instanceof String) {
            return joined(part, "");
        }
        return value instanceof Tuple ? new Tuple(part) : part;
    }

    private static long bound(@Nullable Object given, int size, long step, long otherwise) {
        if (given == null) {
            return otherwise;
        }
        long index = Numbers.whole(given);
        long place = index < 0 ? index + size : index;
        return step > 0 ? Math.min(Math.max(place, 0), size) : Math.min(Math.max(place, -1), size - 1L);
    }

    /** The texts of values, one after the other. */
    static String joined(List<@Nullable Object> all, String separator) {
        StringBuilder text = new StringBuilder();
        for (Iterator<@Nullable Object> i = all.iterator(); i.hasNext(); ) {
            text.append(text(i.next())).append(i.hasNext() ? separator : "");
        }
        return text.toString();
    }

    /** {@code a + b}, {@code a * n} and {@code a % b} also of texts and lists. */
    public static Object calculate(String operator, @Nullable Object a, @Nullable Object b) {
        if (a instanceof Undefined missing) {
            throw missing.used();
        }
        if (b instanceof Undefined missing) {
            throw missing.used();
        }
        if (operator.equals("+") && a instanceof String one && b instanceof String other) {
            return one + other;
        }
        if (operator.equals("+") && a instanceof List<?> one && b instanceof List<?> other) {
            List<@Nullable Object> both = new ArrayList<>(one);
            both.addAll(other);
            return a instanceof Tuple ? new Tuple(both) : both;
        }
        if (operator.equals("*") && a instanceof String text && Numbers.isWhole(b)) {
            return text.repeat(Math.toIntExact(Math.max(0, Numbers.whole(b))));
        }
        if (operator.equals("%") && a instanceof String text) {
            return TextFormat.percent(text, b instanceof Tuple tuple ? tuple : java.util.Collections.singletonList(b));
        }
        return Numbers.calculate(operator, a, b);
    }
}
