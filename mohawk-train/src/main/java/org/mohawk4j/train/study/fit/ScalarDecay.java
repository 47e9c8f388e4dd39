package org.mohawk4j.train.study.fit;

import java.util.Arrays;

/**
 * The factors of one matrix with scalar decay, {@code M[t,s] = a_t ··· a_(s+1) c_t·b_s} (SSD, arXiv 2405.21060), which
 * without decay is a causal low-rank matrix; and their fit by alternating least squares.
 *
 * @param decay [T], from 0 to 1; the first is not used
 * @param b [T][N]
 * @param c [T][N]
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
public record ScalarDecay(double[] decay, double[][] b, double[][] c) {
    private static final int MOST_SWEEPS = 300;
    /** The fit has converged when a sweep lowers its squared error by less than this share. */
    private static final double CONVERGED = 1e-5;
    /** Of the target's squared norm: an error below is rounding. */
    private static final double EXACT = 1e-26;

    /** N. */
    public int states() {
        return b[0].length;
    }

    /** The matrix itself. */
    public double[][] dense() {
        int time = decay.length;
        double[][] matrix = new double[time][time];
        for (int t = 0; t < time; t++) {
            double weight = 1;
            for (int s = t; s >= 0 && weight != 0; s--) {
                matrix[t][s] = weight * StateSpace.dot(c[t], b[s]);
                weight *= decay[s];
            }
        }
        return matrix;
    }

    /** The same matrix in the more general form. */
    public StateSpace asStateSpace() {
        double[][][] transitions = new double[decay.length][states()][states()];
        for (int t = 0; t < decay.length; t++) {
            for (int i = 0; i < states(); i++) {
                transitions[t][i][i] = decay[t];
            }
        }
        return new StateSpace(transitions, b, c);
    }

    /** No decay at all. */
    static double[] none(int time) {
        double[] ones = new double[time];
        Arrays.fill(ones, 1);
        return ones;
    }

    /**
     * Fits c and b in turn, each exactly while the other stays, until the error converges.
     *
     * @param decay stays as it is
     * @param start b, [T][N]
     */
    static ScalarDecay fit(double[][] target, double[] decay, double[][] start) {
        double scale = Lower.norm(target);
        ScalarDecay current = new ScalarDecay(decay, start, new double[start.length][start[0].length]);
        current = current.withRows(target);
        double error = squaredError(current, target);
        for (int sweep = 0; sweep < MOST_SWEEPS && error > EXACT * scale * scale; sweep++) {
            ScalarDecay next = current.orthonormalRows().withColumns(target).withRows(target);
            double reached = squaredError(next, target);
            if (!(reached < error)) {
                break;
            }
            current = next;
            boolean converged = error - reached < CONVERGED * error;
            error = reached;
            if (converged) {
                break;
            }
        }
        return current;
    }

    private static double squaredError(ScalarDecay fit, double[][] target) {
        double distance = Lower.distance(fit.dense(), target);
        return distance * distance;
    }

    /** With the best c for this b. */
    private ScalarDecay withRows(double[][] target) {
        int states = states();
        double[][] gram = new double[states][states];
        double[][] rows = new double[decay.length][states];
        SmallSystem system = new SmallSystem(states);
        for (int t = 0; t < decay.length; t++) {
            accumulate(gram, decay[t] * decay[t], b[t]);
            double[] right = new double[states];
            double weight = 1;
            for (int s = t; s >= 0 && weight != 0; s--) {
                add(right, weight * target[t][s], b[s]);
                weight *= decay[s];
            }
            system.solve(gram, right, rows[t]);
        }
        return new ScalarDecay(decay, b, rows);
    }

    /** With the best b for this c. */
    private ScalarDecay withColumns(double[][] target) {
        int time = decay.length;
        int states = states();
        double[][] gram = new double[states][states];
        double[][] columns = new double[time][states];
        SmallSystem system = new SmallSystem(states);
        for (int s = time - 1; s >= 0; s--) {
            accumulate(gram, s + 1 < time ? decay[s + 1] * decay[s + 1] : 0, c[s]);
            double[] right = new double[states];
            double weight = 1;
            for (int t = s; t < time && weight != 0; t++) {
                add(right, weight * target[t][s], c[t]);
                weight *= t + 1 < time ? decay[t + 1] : 0;
            }
            system.solve(gram, right, columns[s]);
        }
        return new ScalarDecay(decay, columns, c);
    }

    /** With columns of c that are orthonormal, which b makes up for when it is fitted next; c must not lose rank. */
    private ScalarDecay orthonormalRows() {
        int states = states();
        double[][] q = Arrays.stream(c).map(double[]::clone).toArray(double[][]::new);
        for (int j = 0; j < states; j++) {
            double before = columnNorm(q, j);
            for (int round = 0; round < 2; round++) {
                for (int k = 0; k < j; k++) {
                    double along = 0;
                    for (double[] row : q) {
                        along += row[j] * row[k];
                    }
                    for (double[] row : q) {
                        row[j] -= along * row[k];
                    }
                }
            }
            double norm = columnNorm(q, j);
            if (!(norm > 1e-12 * before)) {
                return this;
            }
            for (double[] row : q) {
                row[j] /= norm;
            }
        }
        return new ScalarDecay(decay, b, q);
    }

    private static double columnNorm(double[][] matrix, int column) {
        return Math.sqrt(Arrays.stream(matrix)
                .mapToDouble(row -> row[column] * row[column])
                .sum());
    }

    private static void accumulate(double[][] gram, double kept, double[] feature) {
        for (int i = 0; i < feature.length; i++) {
            for (int j = 0; j < feature.length; j++) {
                gram[i][j] = kept * gram[i][j] + feature[i] * feature[j];
            }
        }
    }

    private static void add(double[] sum, double weight, double[] feature) {
        for (int i = 0; i < feature.length; i++) {
            sum[i] += weight * feature[i];
        }
    }
}
