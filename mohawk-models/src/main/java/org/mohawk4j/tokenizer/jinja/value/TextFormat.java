package org.mohawk4j.tokenizer.jinja.value;

import java.util.List;
import java.util.Locale;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Values put into a text: {@code '%s' % x} and {@code '{}'.format(x)}, without widths except {@code %.2f}. */
final class TextFormat {
    private static final Pattern PERCENT = Pattern.compile("%(\\.\\d+)?(.)", Pattern.DOTALL);
    private static final Pattern BRACES = Pattern.compile("\\{\\{|\\}\\}|\\{(\\w*)\\}");

    private TextFormat() {}

    static String percent(String text, List<@Nullable Object> values) {
        int[] next = {0};
        return PERCENT.matcher(text).replaceAll(match -> {
            String kind = match.group(2);
            if (kind.equals("%")) {
                return "%";
            }
            if (next[0] == values.size()) {
                throw new TemplateException("expected more than " + values.size() + " values for " + Values.repr(text));
            }
            return Matcher.quoteReplacement(shown(match, values.get(next[0]++)));
        });
    }

    private static String shown(MatchResult match, @Nullable Object value) {
        return switch (match.group(2)) {
            case "s" -> Values.text(value);
            case "r" -> Values.repr(value);
            case "d", "i" -> Long.toString(value instanceof Double d ? d.longValue() : Numbers.whole(value));
            case "f" ->
                String.format(
                        Locale.ROOT, "%" + (match.group(1) == null ? ".6" : match.group(1)) + "f", Numbers.real(value));
            default -> throw new TemplateException("%" + match.group(2) + " is not supported");
        };
    }

    static String braces(String text, Arguments arguments) {
        int[] next = {0};
        return BRACES.matcher(text).replaceAll(match -> {
            String name = match.group(1);
            if (name == null) {
                return match.group().substring(1);
            }
            boolean isPlace = name.isEmpty() || Character.isDigit(name.charAt(0));
            int place = !isPlace ? Integer.MAX_VALUE : name.isEmpty() ? next[0]++ : Integer.parseInt(name);
            return Matcher.quoteReplacement(Values.text(arguments.require(place, name)));
        });
    }
}
