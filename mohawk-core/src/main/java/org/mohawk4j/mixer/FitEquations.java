package org.mohawk4j.mixer;

import java.util.Arrays;

/**
 * The squared error of a fit at a given rate, as a quadratic form of its numbers: with e = exp(-rate·lag) for lags from 0,
 *
 * <pre>
 *   A[t,s] ≈ Σ over k of w[k] · ( constant · e(t-s-k) + scale · e(t-s-k) · S[t,s+k] + skip · [t-s = k] )
 * </pre>
 *
 * <p>which is linear in the three terms for given taps w, and in the taps for given terms.
 */
final class FitEquations {
    static final int SCALE = 0;
    static final int CONSTANT = 1;
    static final int SKIP = 2;
    static final int TERMS = 3;

    /** Of a diagonal: below it an equation depends on the others. */
    private static final double SINGULAR = 1e-12;

    private final int taps;
    private final double[][] gram;
    private final double[] right;
    private final double all;

    /** @param skips whether there is a term on the diagonal alone; else it is 0 */
    FitEquations(LagSums sums, double rate, boolean skips) {
        taps = sums.taps();
        gram = new double[TERMS * taps][TERMS * taps];
        right = new double[TERMS * taps];
        int lags = sums.lags();
        double[] decay = new double[lags];
        for (int lag = 0; lag < lags; lag++) {
            decay[lag] = Math.exp(-rate * lag);
        }
        double squares = 0;
        for (int lag = 0; lag < lags; lag++) {
            squares += sums.aa(lag);
        }
        all = squares;
        for (int j = 0; j < taps; j++) {
            for (int lag = j; lag < lags; lag++) {
                double own = decay[lag - j];
                right[at(CONSTANT, j)] += own * sums.a(lag);
                right[at(SCALE, j)] += own * sums.as(lag, j);
            }
            if (skips) {
                right[at(SKIP, j)] = sums.a(j);
                gram[at(SKIP, j)][at(SKIP, j)] = sums.count(j);
            }
            for (int k = 0; k <= j; k++) {
                double constants = 0;
                double scores = 0;
                double first = 0;
                double second = 0;
                for (int lag = j; lag < lags; lag++) {
                    double both = decay[lag - j] * decay[lag - k];
                    constants += both * sums.count(lag);
                    scores += both * sums.ss(lag, j, k);
                    first += both * sums.s(lag, k);
                    second += both * sums.s(lag, j);
                }
                set(at(CONSTANT, j), at(CONSTANT, k), constants);
                set(at(SCALE, j), at(SCALE, k), scores);
                set(at(CONSTANT, j), at(SCALE, k), first);
                set(at(CONSTANT, k), at(SCALE, j), second);
                if (skips) {
                    set(at(SKIP, j), at(CONSTANT, k), decay[j - k] * sums.count(j));
                    set(at(SKIP, j), at(SCALE, k), decay[j - k] * sums.s(j, k));
                }
            }
        }
    }

    private int at(int term, int tap) {
        return term * taps + tap;
    }

    private void set(int row, int column, double value) {
        gram[row][column] = value;
        gram[column][row] = value;
    }

    /** No convolution. */
    double[] identity() {
        double[] w = new double[taps];
        w[0] = 1;
        return w;
    }

    /** The best skip for given other terms and taps. */
    double skip(double[] terms, double[] w) {
        double[] own = terms(w)[SKIP];
        return own[SKIP] > 0
                ? (own[TERMS] - own[SCALE] * terms[SCALE] - own[CONSTANT] * terms[CONSTANT]) / own[SKIP]
                : 0;
    }

    /** The teacher's squares. */
    double all() {
        return all;
    }

    /** The best taps for given terms; those of before where nothing depends on them. */
    double[] taps(double[] terms, double[] before) {
        double[][] system = new double[taps][taps + 1];
        for (int j = 0; j < taps; j++) {
            for (int x = 0; x < TERMS; x++) {
                system[j][taps] += terms[x] * right[at(x, j)];
                for (int k = 0; k < taps; k++) {
                    for (int y = 0; y < TERMS; y++) {
                        system[j][k] += terms[x] * terms[y] * gram[at(x, j)][at(y, k)];
                    }
                }
            }
        }
        return solve(system, before);
    }

    /** The system of the three terms for given taps: three rows of three factors and the right side. */
    double[][] terms(double[] w) {
        double[][] system = new double[TERMS][TERMS + 1];
        for (int x = 0; x < TERMS; x++) {
            for (int j = 0; j < taps; j++) {
                system[x][TERMS] += w[j] * right[at(x, j)];
                for (int y = 0; y < TERMS; y++) {
                    for (int k = 0; k < taps; k++) {
                        system[x][y] += w[j] * w[k] * gram[at(x, j)][at(y, k)];
                    }
                }
            }
        }
        return system;
    }

    double error(double[] terms, double[] w) {
        double[][] system = terms(w);
        double error = all;
        for (int x = 0; x < TERMS; x++) {
            error -= 2 * terms[x] * system[x][TERMS];
            for (int y = 0; y < TERMS; y++) {
                error += terms[x] * terms[y] * system[x][y];
            }
        }
        return error;
    }

    /**
     * Solves a symmetric positive semidefinite system by elimination, the last unknown first: of unknowns that depend on
     * each other, the first ones are given up.
     *
     * @param system rows of n factors and the right side; overwritten
     * @param otherwise what unknowns are that depend on the others
     */
    static double[] solve(double[][] system, double[] otherwise) {
        int n = system.length;
        double[] diagonal = new double[n];
        for (int i = 0; i < n; i++) {
            diagonal[i] = system[i][i];
        }
        for (int pivot = n - 1; pivot >= 0; pivot--) {
            if (system[pivot][pivot] <= SINGULAR * diagonal[pivot]) {
                for (int row = 0; row < n; row++) {
                    system[row][n] -= row == pivot ? 0 : system[row][pivot] * otherwise[pivot];
                    system[row][pivot] = 0;
                }
                Arrays.fill(system[pivot], 0);
                system[pivot][pivot] = 1;
                system[pivot][n] = otherwise[pivot];
                continue;
            }
            for (int row = 0; row < pivot; row++) {
                double factor = system[row][pivot] / system[pivot][pivot];
                for (int column = 0; column <= n; column++) {
                    system[row][column] -= factor * system[pivot][column];
                }
            }
        }
        double[] solution = new double[n];
        for (int row = 0; row < n; row++) {
            double rest = system[row][n];
            for (int column = 0; column < row; column++) {
                rest -= system[row][column] * solution[column];
            }
            solution[row] = rest / system[row][row];
        }
        return solution;
    }
}
