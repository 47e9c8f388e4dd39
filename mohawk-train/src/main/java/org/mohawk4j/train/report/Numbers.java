package org.mohawk4j.train.report;

import java.util.Locale;

/** Numbers as people read them, the same in every locale. */
public final class Numbers {
    private Numbers() {}

    /** Four significant digits at most: 0.0125, 3.5, 250, 12k, 1.5M, 2.76B. */
    public static String compact(double value) {
        double magnitude = Math.abs(value);
        if (!Double.isFinite(value)) {
            return "–";
        }
        if (magnitude >= 1e9) {
            return plain(value / 1e9) + "B";
        }
        if (magnitude >= 1e6) {
            return plain(value / 1e6) + "M";
        }
        if (magnitude >= 1e4) {
            return plain(value / 1e3) + "k";
        }
        return plain(value);
    }

    private static String plain(double value) {
        if (value == 0) {
            return "0";
        }
        if (Math.abs(value) < 1e-4) {
            return String.format(Locale.ROOT, "%.1e", value);
        }
        int digits = (int) Math.floor(Math.log10(Math.abs(value))) + 1;
        String fixed = String.format(Locale.ROOT, "%." + Math.max(0, 4 - digits) + "f", value);
        return fixed.contains(".") ? fixed.replaceFirst("\\.?0+$", "") : fixed;
    }

    /** Four decimals, for losses. */
    public static String loss(double value) {
        return Double.isFinite(value) ? String.format(Locale.ROOT, "%.4f", value) : "–";
    }

    /** With separators: 2,048,000. */
    public static String whole(double value) {
        return Double.isFinite(value) ? String.format(Locale.ROOT, "%,.0f", value) : "–";
    }

    /** 12.3 s, 4 min 05 s, 3 h 07 min, 4 d 03 h. */
    public static String duration(double seconds) {
        if (!Double.isFinite(seconds)) {
            return "–";
        }
        if (seconds < 59.95) {
            return String.format(Locale.ROOT, "%.1f s", seconds);
        }
        long whole = Math.round(seconds);
        if (whole < 3600) {
            return String.format(Locale.ROOT, "%d min %02d s", whole / 60, whole % 60);
        }
        if (whole < 86400) {
            return String.format(Locale.ROOT, "%d h %02d min", whole / 3600, whole % 3600 / 60);
        }
        return String.format(Locale.ROOT, "%d d %02d h", whole / 86400, whole % 86400 / 3600);
    }
}
