package org.mohawk4j.train.loop;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;

/**
 * Detects loss spikes by the robust z-score among the last losses: the distance to their median over their median
 * absolute deviation, scaled by 1.4826, with which it estimates the standard deviation of normal numbers (Rousseeuw
 * and Croux, Alternatives to the Median Absolute Deviation, 1993). The deviation counts as a thousandth of the median
 * at least, so that losses that hardly waver do not make spikes of trifles.
 */
public final class LossSpikeDetector {
    /** Losses that are remembered. */
    static final int WINDOW = 64;

    /** Losses from which on it judges. */
    static final int LEAST = 32;

    private static final double NORMAL = 1.4826;
    private static final double LEAST_DEVIATION = 1e-3;

    private final double threshold;
    private final Deque<Double> losses = new ArrayDeque<>();

    /** @param threshold z-score above which a loss is a spike; 0: none is */
    public LossSpikeDetector(double threshold) {
        this.threshold = threshold;
    }

    /** Whether a loss is a spike among those added. */
    public boolean isSpike(double loss) {
        return threshold > 0 && losses.size() >= LEAST && score(loss) > threshold;
    }

    /** The robust z-score of a loss among those added; NaN if there are none. */
    public double score(double loss) {
        double[] sorted = losses.stream().mapToDouble(Double::doubleValue).toArray();
        double median = median(sorted);
        double deviation = median(
                Arrays.stream(sorted).map(value -> Math.abs(value - median)).toArray());
        return (loss - median) / Math.max(NORMAL * deviation, LEAST_DEVIATION * Math.abs(median));
    }

    private static double median(double... values) {
        if (values.length == 0) {
            return Double.NaN;
        }
        Arrays.sort(values);
        int middle = values.length / 2;
        return values.length % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
    }

    /** Remembers a loss, and forgets the oldest beyond the window. */
    public void add(double loss) {
        losses.add(loss);
        if (losses.size() > WINDOW) {
            losses.remove();
        }
    }

    /** Forgets all losses. */
    public void clear() {
        losses.clear();
    }

    /** The losses remembered, the oldest first. */
    public List<Double> losses() {
        return List.copyOf(losses);
    }
}
