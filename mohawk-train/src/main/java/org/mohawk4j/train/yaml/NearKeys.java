package org.mohawk4j.train.yaml;

import java.util.Collection;
import java.util.Comparator;
import java.util.Locale;

/** Known keys that an unknown one may have been meant for. */
public final class NearKeys {
    private static final int LONG = 5;

    private NearKeys() {}

    /** The end of a message about an unknown key: {@code , did you mean KEY?}, or empty if none is near. */
    public static String hint(String unknown, Collection<String> known) {
        String said = unknown.toLowerCase(Locale.ROOT).replace('_', '-');
        int most = said.length() < LONG ? 1 : 2;
        return known.stream()
                .filter(key -> edits(said, key) <= Math.min(most, key.length() - 2))
                .min(Comparator.<String>comparingInt(key -> edits(said, key)).thenComparing(Comparator.naturalOrder()))
                .map(key -> ", did you mean " + key + "?")
                .orElse("");
    }

    /** The fewest letters to insert, delete or replace: Levenshtein's distance. */
    private static int edits(String from, String to) {
        int[] above = new int[to.length() + 1];
        for (int j = 0; j <= to.length(); j++) {
            above[j] = j;
        }
        for (int i = 1; i <= from.length(); i++) {
            int[] row = new int[to.length() + 1];
            row[0] = i;
            for (int j = 1; j <= to.length(); j++) {
                int replaced = above[j - 1] + (from.charAt(i - 1) == to.charAt(j - 1) ? 0 : 1);
                row[j] = Math.min(replaced, 1 + Math.min(above[j], row[j - 1]));
            }
            above = row;
        }
        return above[to.length()];
    }
}
