package org.mohawk4j.eval.likelihood;

import java.util.ArrayList;
import java.util.List;

/**
 * The likeliest tokens at a place, the likeliest first; of equal ones the lower id.
 *
 * @param tokens as many as were asked for, or the whole vocabulary
 */
public record Ranking(List<Entry> tokens) {
    /** A token with its log-probability in nats. */
    public record Entry(int id, double logProb) {}

    public Ranking {
        tokens = List.copyOf(tokens);
    }

    /**
     * The likeliest of a row of logits.
     *
     * @param logits [V] from {@code from} on
     * @param normalizer log Σ exp of them
     */
    public static Ranking of(float[] logits, int from, int vocabulary, int count, double normalizer) {
        int kept = Math.min(count, vocabulary);
        int[] best = new int[kept];
        int found = 0;
        for (int id = 0; id < vocabulary; id++) {
            int place = found;
            while (place > 0 && logits[from + id] > logits[from + best[place - 1]]) {
                place--;
            }
            if (place < kept) {
                int moved = Math.min(found, kept - 1) - place;
                System.arraycopy(best, place, best, place + 1, moved);
                best[place] = id;
                found = Math.min(found + 1, kept);
            }
        }
        List<Entry> tokens = new ArrayList<>(kept);
        for (int id : best) {
            tokens.add(new Entry(id, logits[from + id] - normalizer));
        }
        return new Ranking(tokens);
    }
}
