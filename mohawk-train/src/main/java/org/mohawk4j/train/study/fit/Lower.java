package org.mohawk4j.train.study.fit;

import org.mohawk4j.Arguments;

/** Lower triangular matrices as rows of equal length, {@code [t][s]}, zero above the diagonal. */
public final class Lower {
    private Lower() {}

    /**
     * One matrix of several that lie one behind the other.
     *
     * @param values of all, row by row
     * @param index of the matrix
     */
    public static double[][] of(double[] values, int index, int time) {
        double[][] matrix = new double[time][time];
        for (int t = 0; t < time; t++) {
            System.arraycopy(values, (index * time + t) * time, matrix[t], 0, t + 1);
        }
        return matrix;
    }

    /** The Frobenius norm of what is on and below the diagonal. */
    public static double norm(double[][] matrix) {
        return distance(matrix, new double[matrix.length][matrix.length]);
    }

    /** The Frobenius norm of the difference on and below the diagonal. */
    public static double distance(double[][] a, double[][] b) {
        Arguments.require(a.length == b.length, "matrices", "one size", a.length + " and " + b.length);
        double sum = 0;
        for (int t = 0; t < a.length; t++) {
            for (int s = 0; s <= t; s++) {
                double difference = a[t][s] - b[t][s];
                sum += difference * difference;
            }
        }
        return Math.sqrt(sum);
    }

    /** The nearest causal Toeplitz matrix: each diagonal is its mean. */
    public static double[][] toeplitz(double[][] target) {
        int time = target.length;
        double[][] nearest = new double[time][time];
        for (int lag = 0; lag < time; lag++) {
            double sum = 0;
            for (int t = lag; t < time; t++) {
                sum += target[t][t - lag];
            }
            for (int t = lag; t < time; t++) {
                nearest[t][t - lag] = sum / (time - lag);
            }
        }
        return nearest;
    }
}
