package org.mohawk4j.train.study.fit;

import java.util.Arrays;

/**
 * The factors of one general semiseparable matrix, {@code M[t,s] = c_t · A_t ··· A_(s+1) b_s}.
 *
 * @param transitions A, [T][N][N]; the first is not used
 * @param b [T][N]
 * @param c [T][N]
 */
public record StateSpace(double[][][] transitions, double[][] b, double[][] c) {
    private static final int SWEEPS = 6;

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
     * The nearest matrix with these transitions that alternating least squares of c and b finds from here: in the Frobenius
     * norm it is never worse than this one.
     */
    public StateSpace refitted(double[][] target) {
        StateSpace best = this;
        double error = Lower.distance(dense(), target);
        for (int sweep = 0; sweep < SWEEPS; sweep++) {
            StateSpace next = best.withRows(target).withColumns(target).withRows(target);
            double reached = Lower.distance(next.dense(), target);
            if (!(reached < error)) {
                break;
            }
            best = next;
            error = reached;
        }
        return best;
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
