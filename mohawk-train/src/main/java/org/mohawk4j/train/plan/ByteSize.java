package org.mohawk4j.train.plan;

import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.mohawk4j.InvalidInputException;

/** Amounts of memory as people write them. */
public final class ByteSize {
    private static final double MIB = 1 << 20;
    private static final double GIB = 1 << 30;
    private static final Pattern FORM = Pattern.compile("(\\d+(?:\\.\\d+)?)\\s*([a-z]+)");
    private static final Map<String, Double> UNITS =
            Map.of("b", 1.0, "mb", 1e6, "gb", 1e9, "m", MIB, "mib", MIB, "g", GIB, "gib", GIB);
    private static final double LARGEST = 1e15;

    private ByteSize() {}

    /**
     * Such as {@code 80GiB}, {@code 80G} for the same, {@code 141GB} or {@code 143771MiB}.
     *
     * @param option for the message
     */
    public static long parse(String option, String text) {
        Matcher matcher = FORM.matcher(text.strip().toLowerCase(Locale.ROOT));
        Double unit = matcher.matches() ? UNITS.get(matcher.group(2)) : null;
        double bytes = unit == null ? 0 : Double.parseDouble(matcher.group(1)) * unit;
        if (bytes < 1 || bytes > LARGEST) {
            throw new InvalidInputException(
                    option + ": expected an amount with its unit, such as 80GiB, 141GB or 143771MiB, got " + text);
        }
        return (long) bytes;
    }

    /** Such as {@code 58.72 GiB} or {@code 64.0 MiB}. */
    public static String show(long bytes) {
        return bytes >= GIB
                ? String.format(Locale.ROOT, "%,.2f GiB", bytes / GIB)
                : String.format(Locale.ROOT, "%.1f MiB", bytes / MIB);
    }
}
