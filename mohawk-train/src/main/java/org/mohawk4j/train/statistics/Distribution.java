package org.mohawk4j.train.statistics;

import java.util.Arrays;
import java.util.List;

/**
 * Where the elements of a tensor lie. Of a large tensor it describes a sample: see {@link TensorSample}.
 *
 * @param mean of the elements
 * @param deviation standard deviation
 * @param meanMagnitude mean of the absolute values
 * @param min the least
 * @param max the greatest
 * @param counts elements in each of equally wide bins from min to max
 */
public record Distribution(
        double mean, double deviation, double meanMagnitude, double min, double max, List<Integer> counts) {
    private static final int BINS = 20;

    /** Copies the counts. */
    public Distribution {
        counts = List.copyOf(counts);
    }

    /** Of at least one value; values that are not finite are left out, and none at all counts as a zero. */
    public static Distribution of(double... values) {
        double sum = 0;
        double squares = 0;
        double magnitudes = 0;
        double min = Double.POSITIVE_INFINITY;
        double max = Double.NEGATIVE_INFINITY;
        int count = 0;
        for (double value : values) {
            if (Double.isFinite(value)) {
                sum += value;
                squares += value * value;
                magnitudes += Math.abs(value);
                min = Math.min(min, value);
                max = Math.max(max, value);
                count++;
            }
        }
        if (count == 0) {
            return of(0);
        }
        double mean = sum / count;
        return new Distribution(
                mean,
                Math.sqrt(Math.max(0, squares / count - mean * mean)),
                magnitudes / count,
                min,
                max,
                counts(values, min, max));
    }

    private static List<Integer> counts(double[] values, double min, double max) {
        Integer[] counts = new Integer[BINS];
        Arrays.fill(counts, 0);
        double width = (max - min) / BINS;
        for (double value : values) {
            if (Double.isFinite(value)) {
                counts[width == 0 ? 0 : Math.min(BINS - 1, (int) ((value - min) / width))]++;
            }
        }
        return List.of(counts);
    }
}
