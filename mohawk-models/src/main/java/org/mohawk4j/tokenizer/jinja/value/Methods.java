package org.mohawk4j.tokenizer.jinja.value;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The methods of Python's texts and dicts that templates call; those that change a value are none of them. */
final class Methods {
    private interface Method<T> {
        @Nullable Object call(T self, Arguments arguments);
    }

    private static final Map<String, Method<String>> OF_TEXT = ofText();
    private static final Map<String, Method<Map<?, ?>>> OF_MAP = Map.of(
            "items", (map, a) -> items(map),
            "keys", (map, a) -> new ArrayList<@Nullable Object>(map.keySet()),
            "values", (map, a) -> new ArrayList<@Nullable Object>(map.values()),
            "get",
                    (map, a) -> map.containsKey(a.require(0, "key"))
                            ? map.get(a.require(0, "key"))
                            : a.get(1, "default", null));

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
        methods.put("join", (text, a) -> Values.joined(Values.elements(a.require(0, "iterable")), text));
        methods.put("format", TextFormat::braces);
        methods.put("find", (text, a) -> place(text, text.indexOf(a.text(0, "sub"))));
        methods.put("rfind", (text, a) -> place(text, text.lastIndexOf(a.text(0, "sub"))));
        methods.put(
                "count",
                (text, a) -> (long) TextSplit.at(text, a.text(0, "sub"), -1).size() - 1);
        methods.put("isdigit", (text, a) -> all(text, Character::isDigit));
        return Map.copyOf(methods);
    }

    private static boolean all(String text, java.util.function.IntPredicate isOne) {
        return !text.isEmpty() && text.codePoints().allMatch(isOne);
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
}
