package org.mohawk4j.train.data;

import java.util.Random;
import org.mohawk4j.InvalidInputException;

/**
 * An endless stream of training batches [B, T]: windows in an order shuffled anew every epoch, each window exactly once
 * an epoch. A batch at the border of two epochs takes windows from both. The stream is a function of the seed, the
 * windows and B alone, the same on every machine, and continues from a saved {@link State} as if never interrupted.
 *
 * <p>Not for use by several threads at once.
 */
public final class BatchSampler {
    private final TokenWindows windows;
    private final int batch;
    private final int[] order;
    private long seed;
    private long epoch;
    private int position;

    /**
     * Where a stream stands.
     *
     * @param seed the seed of the stream
     * @param windows the number of windows of the text, to notice a stream continued on another text
     * @param epoch full passes over the windows so far
     * @param position windows of the current epoch handed out, at most {@code windows}
     */
    public record State(long seed, int windows, long epoch, int position) {}

    /** A stream from the start of its first epoch. */
    public BatchSampler(TokenWindows windows, int batch, long seed) {
        if (batch < 1) {
            throw new IllegalArgumentException("batch: expected at least 1, got " + batch);
        }
        this.windows = windows;
        this.batch = batch;
        this.order = new int[windows.count()];
        this.seed = seed;
        shuffle();
    }

    /** The next batch: always B windows. */
    public TokenBatch next() {
        int[] chosen = new int[batch];
        for (int b = 0; b < batch; b++) {
            if (position == order.length) {
                epoch++;
                position = 0;
                shuffle();
            }
            chosen[b] = order[position++];
        }
        return windows.select(chosen);
    }

    /** How often every window has been handed out, counting the parts of a pass: 1.5 is one pass and a half. */
    public double epochs() {
        return epoch + (double) position / order.length;
    }

    /** Where the stream stands after the last {@link #next}. */
    public State state() {
        return new State(seed, order.length, epoch, position);
    }

    /**
     * Continues the stream from a state.
     *
     * @throws InvalidInputException if the state is of a text with another number of windows, or no state at all
     */
    public void restore(State state) {
        if (state.windows() != order.length) {
            throw new InvalidInputException("batch sampler: expected a state of a text of " + order.length
                    + " windows of context " + windows.context() + ", found one of " + state.windows());
        }
        if (state.epoch() < 0 || state.position() < 0 || state.position() > order.length) {
            throw new InvalidInputException("batch sampler: expected an epoch from 0 and a position from 0 to "
                    + order.length + ", found " + state.epoch() + " and " + state.position());
        }
        seed = state.seed();
        epoch = state.epoch();
        position = state.position();
        shuffle();
    }

    /** Puts the windows in the order of the current epoch, whatever the order before. */
    private void shuffle() {
        for (int i = 0; i < order.length; i++) {
            order[i] = i;
        }
        // java.util.Random because its documentation fixes its numbers for every Java.
        Random random = new Random(mix(mix(seed) + epoch));
        for (int i = order.length - 1; i > 0; i--) {
            int j = random.nextInt(i + 1);
            int swapped = order[i];
            order[i] = order[j];
            order[j] = swapped;
        }
    }

    /**
     * Spreads neighbouring seeds apart, since Random's first numbers from neighbouring seeds resemble each other. The
     * finaliser of SplitMix64: Steele, Lea and Flood, Fast Splittable Pseudorandom Number Generators, OOPSLA 2014.
     */
    private static long mix(long value) {
        long z = value + 0x9E3779B97F4A7C15L;
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}
