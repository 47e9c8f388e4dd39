package org.mohawk4j.eval.serve;

import java.util.List;

/** Passes text on until one of some texts appears in it, holding back what could still become one. */
final class StopSequences {
    private final List<String> stops;
    private String held = "";
    private boolean stopped;

    StopSequences(List<String> stops) {
        this.stops = stops;
    }

    /** Whether one has appeared. */
    boolean stopped() {
        return stopped;
    }

    /**
     * Adds a piece.
     *
     * @return what may be shown now; nothing of what follows a stop
     */
    String accept(String piece) {
        if (stopped) {
            return "";
        }
        String text = held + piece;
        int first = stops.stream()
                .mapToInt(text::indexOf)
                .filter(at -> at >= 0)
                .min()
                .orElse(-1);
        stopped = first >= 0;
        int shown = stopped ? first : text.length() - undecided(text);
        held = stopped ? "" : text.substring(shown);
        return text.substring(0, shown);
    }

    /** Ends the text. */
    String finish() {
        String rest = held;
        held = "";
        return rest;
    }

    /** The length of the longest end of the text that one of the stops begins with. */
    private int undecided(String text) {
        int longest = 0;
        for (String stop : stops) {
            for (int length = Math.min(stop.length() - 1, text.length()); length > longest; length--) {
                if (text.endsWith(stop.substring(0, length))) {
                    longest = length;
                }
            }
        }
        return longest;
    }
}
