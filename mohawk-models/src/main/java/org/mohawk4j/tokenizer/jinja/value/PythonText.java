package org.mohawk4j.tokenizer.jinja.value;

import java.util.Locale;

/** Python's string methods, where Java's differ. */
public final class PythonText {
    private PythonText() {}

    /** {@code str.strip()}: without white space of any kind at either end. */
    public static String strip(String text) {
        return stripStart(stripEnd(text));
    }

    /** {@code str.lstrip()}. */
    public static String stripStart(String text) {
        int from = 0;
        while (from < text.length() && isSpace(text.charAt(from))) {
            from++;
        }
        return text.substring(from);
    }

    /** {@code str.rstrip()}. */
    public static String stripEnd(String text) {
        int to = text.length();
        while (to > 0 && isSpace(text.charAt(to - 1))) {
            to--;
        }
        return text.substring(0, to);
    }

    /** {@code str.capitalize()}: the first character in title case, all others in lower case. */
    public static String capitalize(String text) {
        if (text.isEmpty()) {
            return text;
        }
        int rest = text.offsetByCodePoints(0, 1);
        String first = new String(Character.toChars(Character.toTitleCase(text.codePointAt(0))));
        String lower = text.toLowerCase(Locale.ROOT);
        // a few characters, such as the dotted I, become two in lower case
        int lowerRest = text.substring(0, rest).toLowerCase(Locale.ROOT).length();
        return first + lower.substring(lowerRest);
    }

    /** Java's white space leaves out what does not break a line, and U+0085. */
    public static boolean isSpace(char c) {
        return Character.isWhitespace(c) || Character.isSpaceChar(c) || c == '\u0085';
    }
}
