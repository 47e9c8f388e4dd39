package org.mohawk4j.train.report;

import java.util.Arrays;

/**
 * A measured curve in bounded memory. Neighboring points share a place once there are too many: each place then holds
 * the mean of as many points as its neighbors, so that a curve of millions of points is drawn from some hundreds of
 * means. Points that are not finite are counted and left out.
 */
public final class Curve {
    private final double[] sumX;
    private final double[] sumY;
    private final int[] counts;
    private int places;
    private int perPlace = 1;
    private long skipped;

    /** A curve that keeps between half of {@code capacity} and {@code capacity} places once there are that many points. */
    public Curve(int capacity) {
        if (capacity < 2 || capacity % 2 != 0) {
            throw new IllegalArgumentException("capacity: expected an even number of at least 2, got " + capacity);
        }
        sumX = new double[capacity];
        sumY = new double[capacity];
        counts = new int[capacity];
    }

    /** Adds the next point; x never decreases. */
    public void add(double x, double y) {
        if (!Double.isFinite(x) || !Double.isFinite(y)) {
            skipped++;
            return;
        }
        if (places == 0 || counts[places - 1] == perPlace) {
            if (places == counts.length) {
                halve();
            }
            places++;
        }
        sumX[places - 1] += x;
        sumY[places - 1] += y;
        counts[places - 1]++;
    }

    private void halve() {
        for (int i = 0; i < places / 2; i++) {
            sumX[i] = sumX[2 * i] + sumX[2 * i + 1];
            sumY[i] = sumY[2 * i] + sumY[2 * i + 1];
            counts[i] = counts[2 * i] + counts[2 * i + 1];
        }
        places /= 2;
        perPlace *= 2;
        Arrays.fill(sumX, places, sumX.length, 0);
        Arrays.fill(sumY, places, sumY.length, 0);
        Arrays.fill(counts, places, counts.length, 0);
    }

    /** How many places hold points. */
    public int size() {
        return places;
    }

    /** Whether each place holds a single point. */
    public boolean isExact() {
        return perPlace == 1;
    }

    /** Points left out because they were not finite. */
    public long skipped() {
        return skipped;
    }

    /** The mean x of each place. */
    public double[] x() {
        return means(sumX);
    }

    /** The mean y of each place. */
    public double[] y() {
        return means(sumY);
    }

    private double[] means(double[] sums) {
        double[] means = new double[places];
        for (int i = 0; i < places; i++) {
            means[i] = sums[i] / counts[i];
        }
        return means;
    }

    /**
     * The mean y of each place and its neighbors, nearer ones counting more. It does not lag behind, as a running mean
     * does.
     *
     * @param reach places on each side; the ends have fewer, alike on both sides, so that they keep their level
     */
    public double[] smoothedY(int reach) {
        double[] y = y();
        double[] smoothed = new double[places];
        for (int i = 0; i < places; i++) {
            int near = Math.min(reach, Math.min(i, places - 1 - i));
            double sum = 0;
            double weights = 0;
            for (int j = i - near; j <= i + near; j++) {
                double weight = near + 1.0 - Math.abs(j - i);
                sum += weight * y[j];
                weights += weight;
            }
            smoothed[i] = sum / weights;
        }
        return smoothed;
    }
}
