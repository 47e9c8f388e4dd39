package org.mohawk4j.train.study.fit;

import java.util.Arrays;

/**
 * The factors of one general semiseparable matrix, {@code M[t,s] = c_t · A_t ··· A_(s+1) b_s}.
 *
 * @param transitions A, [T][N][N]; the first is not used
 * @param b [T][N]
 * @param c [T][N]
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
public record StateSpace(double[][][] transitions, double[][] b, double[][] c) {
    private static final int MOST_SWEEPS = 30;
    /** The fit has converged when a sweep lowers its error by less than this share. */
    private static final double CONVERGED = 1e-3;

    /** N. */
    public int states() {
        return b[0].length;
    }

    /** The matrix itself. */
    public double[][] dense() {
        int time = b.length;
        double[][] matrix = new double[time][time];
        double[][] reached = new double[time][];
        for (int t = 0; t < time; t++) {
            step(reached, t);
            for (int s = 0; s <= t; s++) {
                matrix[t][s] = dot(c[t], reached[s]);
            }
        }
        return matrix;
    }

    /** From what each input left in the state before position t, to after it. */
    private void step(double[][] reached, int t) {
        for (int s = 0; s < t; s++) {
            reached[s] = times(transitions[t], reached[s]);
        }
        reached[t] = b[t];
    }

    /**
     * The nearest matrix that alternating least squares of transitions, c and b finds from here: in the Frobenius norm it
     * is never worse than this one.
     */
    public StateSpace refitted(double[][] target) {
        StateSpace best = this;
        double error = Lower.distance(dense(), target);
        for (int sweep = 0; sweep < MOST_SWEEPS; sweep++) {
            StateSpace next = best.withRows(target)
                    .withColumns(target)
                    .withTransitions(target)
                    .withRows(target);
            double reached = Lower.distance(next.dense(), target);
            if (!(reached < error)) {
                break;
            }
            best = next;
            boolean converged = error - reached < CONVERGED * error;
            error = reached;
            if (converged) {
                break;
            }
        }
        return best;
    }

    /**
     * With each transition in turn the best for all else. The block of the target that a transition A reaches is the
     * product of what its outputs read, A, and what its inputs left: {@code (OᵀO) A (W Wᵀ) = Oᵀ H Wᵀ}.
     */
    private StateSpace withTransitions(double[][] target) {
        int time = b.length;
        int states = states();
        double[][][] observed = observed();
        double[][][] fitted = transitions.clone();
        SmallSystem system = new SmallSystem(states);
        double[][] reached = new double[time][];
        reached[0] = b[0];
        for (int t = 1; t < time; t++) {
            double[][] inputs = new double[states][states];
            double[][] outputs = new double[states][states];
            double[][] cross = new double[states][states];
            double[] unused = new double[states];
            for (int s = 0; s < t; s++) {
                add(inputs, unused, reached[s], 0);
            }
            for (int row = t; row < time; row++) {
                add(outputs, unused, observed[t][row - t], 0);
                double[] seen = new double[states];
                for (int s = 0; s < t; s++) {
                    for (int i = 0; i < states; i++) {
                        seen[i] += target[row][s] * reached[s][i];
                    }
                }
                for (int i = 0; i < states; i++) {
                    for (int j = 0; j < states; j++) {
                        cross[i][j] += observed[t][row - t][i] * seen[j];
                    }
                }
            }
            // both Gram matrices are symmetric: first from the left, by columns, then from the right, by rows
            double[][] columns = new double[states][states];
            for (int j = 0; j < states; j++) {
                system.solve(outputs, column(cross, j), columns[j]);
            }
            fitted[t] = new double[states][states];
            for (int i = 0; i < states; i++) {
                system.solve(inputs, column(columns, i), fitted[t][i]);
            }
            for (int s = 0; s < t; s++) {
                reached[s] = times(fitted[t], reached[s]);
            }
            reached[t] = b[t];
        }
        return new StateSpace(fitted, b, c);
    }

    /** What each output reads of the state after position t: [T], then rows from t on. */
    private double[][][] observed() {
        int time = b.length;
        double[][][] observed = new double[time][][];
        for (int t = time - 1; t >= 0; t--) {
            observed[t] = new double[time - t][];
            observed[t][0] = c[t];
            for (int row = t + 1; row < time; row++) {
                observed[t][row - t] = transposed(transitions[t + 1], observed[t + 1][row - t - 1]);
            }
        }
        return observed;
    }

    private static double[] column(double[][] matrix, int column) {
        return Arrays.stream(matrix).mapToDouble(row -> row[column]).toArray();
    }

    /** With the best c for this b. */
    private StateSpace withRows(double[][] target) {
        int time = b.length;
        int states = states();
        SmallSystem system = new SmallSystem(states);
        double[][] rows = new double[time][states];
        double[][] reached = new double[time][];
        for (int t = 0; t < time; t++) {
            step(reached, t);
            double[][] gram = new double[states][states];
            double[] right = new double[states];
            for (int s = 0; s <= t; s++) {
                add(gram, right, reached[s], target[t][s]);
            }
            system.solve(gram, right, rows[t]);
        }
        return new StateSpace(transitions, b, rows);
    }

    /** With the best b for this c. */
    private StateSpace withColumns(double[][] target) {
        int time = b.length;
        int states = states();
        SmallSystem system = new SmallSystem(states);
        double[][] columns = new double[time][states];
        double[][] reached = new double[time][];
        for (int s = time - 1; s >= 0; s--) {
            for (int t = s + 1; t < time; t++) {
                reached[t] = transposed(transitions[s + 1], reached[t]);
            }
            reached[s] = c[s];
            double[][] gram = new double[states][states];
            double[] right = new double[states];
            for (int t = s; t < time; t++) {
                add(gram, right, reached[t], target[t][s]);
            }
            system.solve(gram, right, columns[s]);
        }
        return new StateSpace(transitions, columns, c);
    }

    private static void add(double[][] gram, double[] right, double[] feature, double value) {
        for (int i = 0; i < feature.length; i++) {
            for (int j = 0; j < feature.length; j++) {
                gram[i][j] += feature[i] * feature[j];
            }
            right[i] += feature[i] * value;
        }
    }

    static double dot(double[] a, double[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += a[i] * b[i];
        }
        return sum;
    }

    private static double[] times(double[][] matrix, double[] x) {
        return Arrays.stream(matrix).mapToDouble(row -> dot(row, x)).toArray();
    }

    private static double[] transposed(double[][] matrix, double[] x) {
        double[] product = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            for (int j = 0; j < x.length; j++) {
                product[j] += matrix[i][j] * x[i];
            }
        }
        return product;
    }
}
