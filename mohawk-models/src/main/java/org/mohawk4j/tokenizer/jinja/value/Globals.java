package org.mohawk4j.tokenizer.jinja.value;

import java.time.Clock;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The functions that every template may call: Jinja's, and the two that transformers adds. */
public final class Globals {
    /** As in Jinja's sandbox. */
    private static final int MOST_IN_RANGE = 100_000;

    private Globals() {}

    public static Map<String, Callable> of(Clock clock) {
        return Map.of(
                "range", Globals::range,
                "dict", arguments -> new LinkedHashMap<>(arguments.named()),
                "namespace", arguments -> new Namespace(arguments.named()),
                "raise_exception",
                        arguments -> {
                            throw TemplateException.raised(Values.text(arguments.require(0, "message")));
                        },
                "strftime_now", arguments -> formatted(ZonedDateTime.now(clock), arguments.text(0, "format")));
    }

    private static List<@Nullable Object> range(Arguments arguments) {
        boolean oneBound = arguments.positional().size() == 1;
        long from = oneBound ? 0 : Numbers.whole(arguments.require(0, "start"));
        long to = Numbers.whole(arguments.require(oneBound ? 0 : 1, "stop"));
        long step = Numbers.whole(arguments.get(2, "step", 1L));
        List<@Nullable Object> all = new ArrayList<>();
        for (long i = from; step > 0 ? i < to : i > to && step < 0; i += step) {
            if (all.size() == MOST_IN_RANGE) {
                throw new TemplateException("expected a range of at most " + MOST_IN_RANGE + " numbers");
            }
            all.add(i);
        }
        return all;
    }

    /** C's {@code strftime}, in English. */
    private static String formatted(ZonedDateTime time, String format) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < format.length(); i++) {
            char c = format.charAt(i);
            if (c != '%' || i + 1 == format.length()) {
                text.append(c);
                continue;
            }
            boolean unpadded = format.charAt(i + 1) == '-' && i + 2 < format.length();
            char kind = format.charAt(i += unpadded ? 2 : 1);
            String field = kind == '%'
                    ? "%"
                    : DateTimeFormatter.ofPattern(pattern(kind), Locale.ENGLISH).format(time);
            text.append(unpadded ? field.replaceFirst("^0+(?=.)", "") : field);
        }
        return text.toString();
    }

    private static String pattern(char kind) {
        return switch (kind) {
            case 'Y' -> "uuuu";
            case 'y' -> "uu";
            case 'm' -> "MM";
            case 'd' -> "dd";
            case 'B' -> "MMMM";
            case 'b', 'h' -> "MMM";
            case 'A' -> "EEEE";
            case 'a' -> "EEE";
            case 'H' -> "HH";
            case 'I' -> "hh";
            case 'M' -> "mm";
            case 'S' -> "ss";
            case 'p' -> "a";
            case 'j' -> "DDD";
            case 'F' -> "uuuu-MM-dd";
            case 'T' -> "HH:mm:ss";
            case 'z' -> "xx";
            case 'Z' -> "zzz";
            default -> throw new TemplateException("%" + kind + " is not supported in a time");
        };
    }
}
