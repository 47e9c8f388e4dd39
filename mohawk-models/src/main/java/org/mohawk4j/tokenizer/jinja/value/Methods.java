package org.mohawk4j.tokenizer.jinja.value;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The methods of Python's texts, dicts and lists that templates call; those that change a value are none of them. */
final class Methods {
    private interface Method<T> {
        @Nullable Object call(T self, Arguments arguments);
    }

    private static final Map<String, Method<String>> OF_TEXT = ofText();
    private static final Map<String, Method<Map<?, ?>>> OF_MAP = Map.of(
            "items", (map, a) -> items(map),
            "keys", (map, a) -> new ArrayList<@Nullable Object>(map.keySet()),
            "values", (map, a) -> new ArrayList<@Nullable Object>(map.values()),
            "copy", (map, a) -> map,
            "get",
                    (map, a) -> map.containsKey(a.require(0, "key"))
                            ? map.get(a.require(0, "key"))
                            : a.get(1, "default", null));
    private static final Map<String, Method<List<?>>> OF_LIST = Map.of(
            "copy", (list, a) -> new ArrayList<@Nullable Object>(list),
            "count",
                    (list, a) -> list.stream()
                            .filter(e -> Values.equal(e, a.require(0, "value")))
                            .count(),
            "index", (list, a) -> index(list, a.require(0, "value")));

    private Methods() {}

    /** A method of a value; null if it has none of that name. */
    static @Nullable Callable of(@Nullable Object value, String name) {
        if (value instanceof String text) {
            Method<String> method = OF_TEXT.get(name);
            return method == null ? null : arguments -> method.call(text, arguments);
        }
        if (value instanceof Map<?, ?> map) {
            Method<Map<?, ?>> method = OF_MAP.get(name);
            return method == null ? null : arguments -> method.call(map, arguments);
        }
        if (value instanceof List<?> list) {
            Method<List<?>> method = OF_LIST.get(name);
            return method == null ? null : arguments -> method.call(list, arguments);
        }
        return null;
    }

    /** Pairs of key and value. */
    static List<@Nullable Object> items(Map<?, ?> map) {
        List<@Nullable Object> items = new ArrayList<>();
        map.forEach((key, value) -> {
            List<@Nullable Object> pair = new ArrayList<>();
            pair.add(key);
            pair.add(value);
            items.add(new Tuple(pair));
        });
        return items;
    }

    private static long index(List<?> list, @Nullable Object value) {
        for (int i = 0; i < list.size(); i++) {
            if (Values.equal(list.get(i), value)) {
                return i;
            }
        }
        throw new TemplateException(Values.repr(value) + " is not in the list");
    }

    private static Map<String, Method<String>> ofText() {
        Map<String, Method<String>> methods = new HashMap<>();
        methods.put("upper", (text, a) -> text.toUpperCase(Locale.ROOT));
        methods.put("lower", (text, a) -> text.toLowerCase(Locale.ROOT));
        methods.put("capitalize", (text, a) -> PythonText.capitalize(text));
        methods.put("title", (text, a) -> title(text));
        methods.put("strip", (text, a) -> strip(text, a, true, true));
        methods.put("lstrip", (text, a) -> strip(text, a, true, false));
        methods.put("rstrip", (text, a) -> strip(text, a, false, true));
        methods.put("startswith", (text, a) -> affixes(a).stream().anyMatch(text::startsWith));
        methods.put("endswith", (text, a) -> affixes(a).stream().anyMatch(text::endsWith));
        methods.put(
                "removeprefix",
                (text, a) -> text.startsWith(a.text(0, "prefix"))
                        ? text.substring(a.text(0, "prefix").length())
                        : text);
        methods.put(
                "removesuffix",
                (text, a) -> text.endsWith(a.text(0, "suffix"))
                        ? text.substring(0, text.length() - a.text(0, "suffix").length())
                        : text);
        methods.put("replace", (text, a) -> replace(text, a.text(0, "old"), a.text(1, "new"), a.whole(2, "count", -1)));
        methods.put("split", (text, a) -> TextSplit.split(text, a));
        methods.put("rsplit", (text, a) -> TextSplit.splitFromEnd(text, a));
        methods.put("splitlines", (text, a) -> TextSplit.lines(text, Values.isTrue(a.get(0, "keepends", false))));
        methods.put("partition", (text, a) -> TextSplit.partition(text, a.text(0, "sep"), false));
        methods.put("rpartition", (text, a) -> TextSplit.partition(text, a.text(0, "sep"), true));
        methods.put("join", (text, a) -> Values.joined(Values.elements(a.require(0, "iterable")), text));
        methods.put("format", TextFormat::braces);
        methods.put("find", (text, a) -> place(text, text.indexOf(a.text(0, "sub"))));
        methods.put("rfind", (text, a) -> place(text, text.lastIndexOf(a.text(0, "sub"))));
        methods.put("index", (text, a) -> foundPlace(text, a.text(0, "sub")));
        methods.put(
                "count",
                (text, a) -> (long) TextSplit.at(text, a.text(0, "sub"), -1).size() - 1);
        methods.put("zfill", (text, a) -> "0".repeat(Math.max(0, a.whole(0, "width", 0) - text.length())) + text);
        methods.put("isdigit", (text, a) -> all(text, Character::isDigit));
        methods.put("isalpha", (text, a) -> all(text, Character::isLetter));
        methods.put("isalnum", (text, a) -> all(text, Character::isLetterOrDigit));
        methods.put(
                "isspace",
                (text, a) -> !text.isEmpty() && PythonText.strip(text).isEmpty());
        methods.put("isupper", (text, a) -> cased(text) && text.equals(text.toUpperCase(Locale.ROOT)));
        methods.put("islower", (text, a) -> cased(text) && text.equals(text.toLowerCase(Locale.ROOT)));
        return Map.copyOf(methods);
    }

    private static boolean all(String text, java.util.function.IntPredicate isOne) {
        return !text.isEmpty() && text.codePoints().allMatch(isOne);
    }

    private static boolean cased(String text) {
        return text.codePoints().anyMatch(c -> Character.isUpperCase(c) || Character.isLowerCase(c));
    }

    private static List<String> affixes(Arguments arguments) {
        Object given = arguments.require(0, "prefix");
        return given instanceof Tuple all
                ? all.stream().map(Values::text).toList()
                : List.of(arguments.text(0, "prefix"));
    }

    /** Each word with its first letter in upper case and all others in lower case. */
    private static String title(String text) {
        StringBuilder title = new StringBuilder();
        boolean inWord = false;
        for (int c : text.codePoints().toArray()) {
            title.appendCodePoint(inWord ? Character.toLowerCase(c) : Character.toTitleCase(c));
            inWord = Character.isLetter(c);
        }
        return title.toString();
    }

    static String strip(String text, Arguments arguments, boolean start, boolean end) {
        Object given = arguments.get(0, "chars", null);
        if (given == null) {
            String stripped = start ? PythonText.stripStart(text) : text;
            return end ? PythonText.stripEnd(stripped) : stripped;
        }
        String chars = Values.text(given);
        int from = 0;
        int to = text.length();
        while (start && from < to && chars.indexOf(text.codePointAt(from)) >= 0) {
            from += Character.charCount(text.codePointAt(from));
        }
        while (end && to > from && chars.indexOf(text.codePointBefore(to)) >= 0) {
            to -= Character.charCount(text.codePointBefore(to));
        }
        return text.substring(from, to);
    }

    /** @param count at most, or negative */
    static String replace(String text, String old, String replacement, int count) {
        if (count < 0) {
            return text.replace(old, replacement);
        }
        return String.join(replacement, TextSplit.at(text, old, count));
    }

    private static long place(String text, int index) {
        return index < 0 ? -1 : text.codePointCount(0, index);
    }

    private static long foundPlace(String text, String part) {
        int index = text.indexOf(part);
        if (index < 0) {
            throw new TemplateException(Values.repr(part) + " is not in the text");
        }
        return place(text, index);
    }
}
