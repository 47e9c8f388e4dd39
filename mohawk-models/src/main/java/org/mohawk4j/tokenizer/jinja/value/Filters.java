package org.mohawk4j.tokenizer.jinja.value;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The filters, as in {@code value | filter}. */
public final class Filters {
    private interface Filter {
        @Nullable Object apply(@Nullable Object value, Arguments arguments);
    }

    private static final Pattern WORD = Pattern.compile("[^-\\s({\\[<]+");
    private static final Map<String, Filter> ALL = all();

    private Filters() {}

    public static boolean isKnown(String name) {
        return ALL.containsKey(name);
    }

    public static @Nullable Object apply(String name, @Nullable Object value, Arguments arguments) {
        Filter filter = ALL.get(name);
        if (filter == null) {
            throw new TemplateException("no filter is named '" + name + "'");
        }
        return filter.apply(value, arguments);
    }

    private static Map<String, Filter> all() {
        Map<String, Filter> filters = new HashMap<>();
        addTexts(filters);
        addLists(filters);
        filters.put("default", Filters::orDefault);
        filters.put("d", Filters::orDefault);
        filters.put("tojson", JsonText::of);
        filters.put("int", (value, a) -> toInt(value, a.get(0, "default", 0L)));
        filters.put(
                "abs",
                (value, a) -> Numbers.isWhole(value)
                        ? (Object) Math.abs(Numbers.whole(value))
                        : (Object) Math.abs(Numbers.real(value)));
        return Map.copyOf(filters);
    }

    private static void addTexts(Map<String, Filter> filters) {
        filters.put("string", (value, a) -> Values.text(value));
        filters.put("safe", (value, a) -> value);
        filters.put("trim", (value, a) -> Methods.strip(Values.text(value), a, true, true));
        filters.put("upper", (value, a) -> Values.text(value).toUpperCase(Locale.ROOT));
        filters.put("lower", (value, a) -> Values.text(value).toLowerCase(Locale.ROOT));
        filters.put("capitalize", (value, a) -> PythonText.capitalize(Values.text(value)));
        filters.put("title", (value, a) -> title(Values.text(value)));
        filters.put(
                "replace",
                (value, a) -> Methods.replace(
                        Values.text(value),
                        Values.text(a.require(0, "old")),
                        Values.text(a.require(1, "new")),
                        a.whole(2, "count", -1)));
        filters.put("indent", (value, a) -> indent(Values.text(value), a));
        filters.put("format", (value, a) -> TextFormat.percent(Values.text(value), a.positional()));
    }

    private static void addLists(Map<String, Filter> filters) {
        filters.put("length", (value, a) -> Values.length(value));
        filters.put("count", (value, a) -> Values.length(value));
        filters.put("list", (value, a) -> Values.elements(value));
        filters.put("first", (value, a) -> edge(Values.elements(value), true));
        filters.put("last", (value, a) -> edge(Values.elements(value), false));
        filters.put("reverse", (value, a) -> Values.slice(listOrText(value), null, null, -1L));
        filters.put("join", Filters::join);
        filters.put("items", (value, a) -> value instanceof Undefined ? List.of() : Methods.items(map(value)));
        filters.put("dictsort", (value, a) -> dictSort(map(value)));
        filters.put("sort", Filters::sort);
        filters.put("unique", (value, a) -> unique(Values.elements(value)));
        filters.put("sum", (value, a) -> sum(mapped(value, a.get(0, "attribute", null)), a));
        filters.put("map", Filters::map);
        filters.put("select", (value, a) -> select(value, a, false, true));
        filters.put("reject", (value, a) -> select(value, a, false, false));
        filters.put("selectattr", (value, a) -> select(value, a, true, true));
        filters.put("rejectattr", (value, a) -> select(value, a, true, false));
    }

    private static @Nullable Object orDefault(@Nullable Object value, Arguments arguments) {
        boolean falseToo = Values.isTrue(arguments.get(1, "boolean", false));
        boolean missing = value instanceof Undefined || (falseToo && !Values.isTrue(value));
        return missing ? arguments.get(0, "default_value", "") : value;
    }

    private static @Nullable Object toInt(@Nullable Object value, @Nullable Object otherwise) {
        try {
            return value instanceof String text ? toInt(text) : (Object) (long) Numbers.real(value);
        } catch (NumberFormatException | TemplateException e) {
            return otherwise;
        }
    }

    private static long toInt(String text) {
        String stripped = PythonText.strip(text);
        try {
            return Long.parseLong(stripped);
        } catch (NumberFormatException e) {
            return (long) Double.parseDouble(stripped);
        }
    }

    private static String indent(String text, Arguments arguments) {
        Object width = arguments.get(0, "width", 4L);
        String by = width instanceof String given ? given : " ".repeat(Math.toIntExact(Numbers.whole(width)));
        boolean first = Values.isTrue(arguments.get(1, "first", false));
        boolean blank = Values.isTrue(arguments.get(2, "blank", false));
        List<String> lines = TextSplit.at(text, "\n", -1);
        for (int i = first ? 0 : 1; i < lines.size(); i++) {
            lines.set(i, lines.get(i).isEmpty() && !blank ? lines.get(i) : by + lines.get(i));
        }
        return String.join("\n", lines);
    }

    /** As Jinja finds words, which is not where the method of texts does. */
    private static String title(String text) {
        return WORD.matcher(text).replaceAll(word -> Matcher.quoteReplacement(PythonText.capitalize(word.group())));
    }

    private static @Nullable Object edge(List<@Nullable Object> all, boolean first) {
        return all.isEmpty() ? new Undefined("element of nothing") : all.get(first ? 0 : all.size() - 1);
    }

    private static @Nullable Object listOrText(@Nullable Object value) {
        return value instanceof String ? value : Values.elements(value);
    }

    private static String join(@Nullable Object value, Arguments arguments) {
        List<@Nullable Object> all = mapped(value, arguments.get(1, "attribute", null));
        return Values.joined(all, Values.text(arguments.get(0, "d", "")));
    }

    private static Map<?, ?> map(@Nullable Object value) {
        if (value instanceof Map<?, ?> map) {
            return map;
        }
        throw new TemplateException("expected a mapping, found " + Values.repr(value));
    }

    /** Without regard to upper and lower case, as Jinja sorts. */
    private static @Nullable Object folded(@Nullable Object value) {
        return value instanceof String text ? text.toLowerCase(Locale.ROOT) : value;
    }

    private static List<@Nullable Object> dictSort(Map<?, ?> map) {
        List<@Nullable Object> items = Methods.items(map);
        items.sort(Comparator.comparing(item -> folded(Values.item(item, 0L)), Values::compare));
        return items;
    }

    private static List<@Nullable Object> sort(@Nullable Object value, Arguments arguments) {
        List<@Nullable Object> all = Values.elements(value);
        Object attribute = arguments.get(2, "attribute", null);
        boolean exact = Values.isTrue(arguments.get(1, "case_sensitive", false));
        Comparator<@Nullable Object> order = (a, b) -> {
            Object one = attribute == null ? a : path(a, attribute);
            Object other = attribute == null ? b : path(b, attribute);
            return exact ? Values.compare(one, other) : Values.compare(folded(one), folded(other));
        };
        all.sort(Values.isTrue(arguments.get(0, "reverse", false)) ? order.reversed() : order);
        return all;
    }

    private static List<@Nullable Object> unique(List<@Nullable Object> all) {
        Map<@Nullable Object, @Nullable Object> first = new LinkedHashMap<>();
        all.forEach(element -> first.putIfAbsent(folded(element), element));
        return new ArrayList<>(first.values());
    }

    private static List<@Nullable Object> mapped(@Nullable Object value, @Nullable Object attribute) {
        List<@Nullable Object> all = Values.elements(value);
        if (attribute != null) {
            all.replaceAll(element -> path(element, attribute));
        }
        return all;
    }

    private static @Nullable Object sum(List<@Nullable Object> all, Arguments arguments) {
        Object total = arguments.get(1, "start", 0L);
        for (Object element : all) {
            total = Values.calculate("+", total, element);
        }
        return total;
    }

    private static List<@Nullable Object> map(@Nullable Object value, Arguments arguments) {
        List<@Nullable Object> all = Values.elements(value);
        if (arguments.positional().isEmpty()) {
            Object attribute = arguments.require(0, "attribute");
            Object otherwise = arguments.get(1, "default", null);
            all.replaceAll(element -> {
                Object found = path(element, attribute);
                return found instanceof Undefined && otherwise != null ? otherwise : found;
            });
        } else {
            String filter = arguments.text(0, "filter");
            all.replaceAll(element -> apply(filter, element, arguments.from(1)));
        }
        return all;
    }

    /** An attribute, or one of an attribute, with points between; whole numbers are places. */
    private static @Nullable Object path(@Nullable Object value, @Nullable Object attribute) {
        Object found = value;
        for (String name : TextSplit.at(Values.text(attribute), ".", -1)) {
            boolean isPlace = !name.isEmpty() && name.chars().allMatch(Character::isDigit);
            found = Values.item(found, isPlace ? (Object) Long.parseLong(name) : name);
        }
        return found;
    }

    /**
     * The elements that pass a test, or that are true without one.
     *
     * @param ofAttribute whether the first argument names an attribute that is tested
     * @param wanted whether those that pass are kept, or the others
     */
    private static List<@Nullable Object> select(
            @Nullable Object value, Arguments arguments, boolean ofAttribute, boolean wanted) {
        int first = ofAttribute ? 1 : 0;
        List<@Nullable Object> all = Values.elements(value);
        all.removeIf(element -> {
            Object tested = ofAttribute ? path(element, arguments.text(0, "attribute")) : element;
            boolean passes = arguments.positional().size() > first
                    ? Tests.holds(arguments.text(first, "test"), tested, arguments.from(first + 1))
                    : Values.isTrue(tested);
            return passes != wanted;
        });
        return all;
    }
}
