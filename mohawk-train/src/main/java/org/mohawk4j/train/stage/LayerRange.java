package org.mohawk4j.train.stage;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Consecutive layers.
 *
 * @param first the first layer, from 0
 * @param end the layer after the last, exclusive
 */
public record LayerRange(int first, int end) {
    /** Refuses a range of nothing. */
    public LayerRange {
        if (first < 0 || end <= first) {
            throw new IllegalArgumentException("layers from " + first + " to " + end);
        }
    }

    /** Whether a layer is among them. */
    public boolean contains(int layer) {
        return first <= layer && layer < end;
    }

    /**
     * Divides layers into consecutive ranges so that the largest cost of a range is minimal. Each range has at least one
     * of the needed layers. Layers after the last needed one are in no range.
     *
     * @param costs of all layers
     * @param needed layers to train, in ascending order
     * @param ranges the number of ranges, at most that of the needed layers
     */
    public static List<LayerRange> balanced(List<Double> costs, List<Integer> needed, int ranges) {
        if (ranges > needed.size()) {
            throw new IllegalArgumentException(ranges + " ranges of " + needed.size() + " layers");
        }
        // a range ends behind a needed layer: least[n] is of the first n of these in so many ranges as were looked at
        double[] least = new double[needed.size() + 1];
        Arrays.fill(least, Double.POSITIVE_INFINITY);
        least[0] = 0;
        List<int[]> cuts = new ArrayList<>();
        for (int range = 0; range < ranges; range++) {
            double[] next = new double[least.length];
            Arrays.fill(next, Double.POSITIVE_INFINITY);
            int[] cut = new int[least.length];
            for (int n = 1; n < least.length; n++) {
                for (int before = 0; before < n; before++) {
                    double own = cost(costs, start(needed, before), start(needed, n));
                    double largest = Math.max(least[before], own);
                    // of equal ones that with more in front, since what is behind begins later
                    if (largest < Double.POSITIVE_INFINITY && largest <= next[n]) {
                        next[n] = largest;
                        cut[n] = before;
                    }
                }
            }
            least = next;
            cuts.add(cut);
        }
        List<LayerRange> found = new ArrayList<>();
        int n = needed.size();
        for (int range = ranges - 1; range >= 0; range--) {
            int before = cuts.get(range)[n];
            found.add(0, new LayerRange(start(needed, before), start(needed, n)));
            n = before;
        }
        return found;
    }

    /** Where a range begins that follows some needed layers: layers between two of them belong to the second. */
    private static int start(List<Integer> needed, int before) {
        return before == 0 ? 0 : needed.get(before - 1) + 1;
    }

    private static double cost(List<Double> costs, int from, int to) {
        return costs.subList(from, to).stream().mapToDouble(Double::doubleValue).sum();
    }
}
