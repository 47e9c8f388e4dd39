package org.mohawk4j.eval.likelihood;

/** A sequence of tokens, of which some are to be scored. */
public final class Request {
    private final int[] ids;
    private final int from;
    private final boolean next;
    private final int ranked;

    private Request(int[] ids, int from, boolean next, int ranked) {
        if (from < 1 || from > ids.length) {
            throw new IllegalArgumentException("from: expected 1 to " + ids.length + ", got " + from);
        }
        this.ids = ids;
        this.from = from;
        this.next = next;
        this.ranked = ranked;
    }

    /**
     * Scores the tokens from a place on.
     *
     * @param ids at least one, which is never scored itself
     * @param from the first that is scored, 1 at least; the length scores none
     */
    public static Request of(int[] ids, int from) {
        return new Request(ids.clone(), from, false, 0);
    }

    /**
     * The same, with the likeliest tokens at each place.
     *
     * @param count how many
     * @param afterLast whether also those that could follow the last token
     */
    public Request ranking(int count, boolean afterLast) {
        return new Request(ids, from, afterLast, count);
    }

    /** The token at a place, from 0. */
    public int id(int position) {
        return ids[position];
    }

    /** How many tokens there are. */
    public int length() {
        return ids.length;
    }

    /** How many tokens the model has to read: not the last, unless what follows it is asked for. */
    int read() {
        return next ? ids.length : ids.length - 1;
    }

    /** How many tokens are scored. */
    int scored() {
        return ids.length - from;
    }

    /** Of how many places the model's prediction is needed. */
    int places() {
        return scored() + (next ? 1 : 0);
    }

    /** The first place that is scored. */
    public int from() {
        return from;
    }

    int ranked() {
        return ranked;
    }
}
