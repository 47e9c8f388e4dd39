package org.mohawk4j.tokenizer.jinja.value;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Texts in parts, as Python's methods cut them. */
final class TextSplit {
    private TextSplit() {}

    /** {@code split(sep, maxsplit)}: without a separator, at any run of white space. */
    static List<@Nullable Object> split(String text, Arguments arguments) {
        Object separator = arguments.get(0, "sep", null);
        int most = arguments.whole(1, "maxsplit", -1);
        return new ArrayList<>(separator == null ? words(text, most) : at(text, Values.text(separator), most));
    }

    /** {@code rsplit(sep, maxsplit)}: as many cuts as allowed, from the end. */
    static List<@Nullable Object> splitFromEnd(String text, Arguments arguments) {
        Object separator = arguments.get(0, "sep", null);
        int most = arguments.whole(1, "maxsplit", -1);
        String mirrored = reversed(text);
        List<String> parts =
                separator == null ? words(mirrored, most) : at(mirrored, reversed(Values.text(separator)), most);
        List<@Nullable Object> all = new ArrayList<>();
        parts.forEach(part -> all.add(reversed(part)));
        Collections.reverse(all);
        return all;
    }

    private static String reversed(String text) {
        return new StringBuilder(text).reverse().toString();
    }

    /** The parts between a text's occurrences, the first {@code most} of them or, if negative, all. */
    static List<String> at(String text, String separator, int most) {
        if (separator.isEmpty()) {
            throw new TemplateException("expected a separator, found an empty text");
        }
        List<String> parts = new ArrayList<>();
        int from = 0;
        for (int next = text.indexOf(separator);
                next >= 0 && (most < 0 || parts.size() < most);
                next = text.indexOf(separator, from)) {
            parts.add(text.substring(from, next));
            from = next + separator.length();
        }
        parts.add(text.substring(from));
        return parts;
    }

    private static List<String> words(String text, int most) {
        List<String> words = new ArrayList<>();
        String rest = PythonText.stripStart(text);
        while (!rest.isEmpty()) {
            int end = 0;
            while (end < rest.length() && !PythonText.isSpace(rest.charAt(end))) {
                end++;
            }
            if (most >= 0 && words.size() == most) {
                words.add(rest);
                return words;
            }
            words.add(rest.substring(0, end));
            rest = PythonText.stripStart(rest.substring(end));
        }
        return words;
    }

    static List<@Nullable Object> lines(String text, boolean keepEnds) {
        List<@Nullable Object> lines = new ArrayList<>();
        int from = 0;
        while (from < text.length()) {
            int end = from;
            while (end < text.length() && text.charAt(end) != '\n' && text.charAt(end) != '\r') {
                end++;
            }
            int next = text.startsWith("\r\n", end) ? end + 2 : Math.min(end + 1, text.length());
            lines.add(text.substring(from, keepEnds ? next : end));
            from = next;
        }
        return lines;
    }
}
