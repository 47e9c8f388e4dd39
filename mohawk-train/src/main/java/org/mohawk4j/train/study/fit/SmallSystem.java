package org.mohawk4j.train.study.fit;

import java.util.Arrays;

/** Symmetric positive semidefinite systems of a few unknowns, solved by Cholesky's decomposition with a tiny ridge. */
final class SmallSystem {
    /** Relative to the mean of the diagonal: what a singular system needs to have one solution, near the shortest. */
    private static final double RIDGE = 1e-14;

    private final int size;
    private final double[][] factor;
    private final double[] work;

    SmallSystem(int size) {
        this.size = size;
        this.factor = new double[size][size];
        this.work = new double[size];
    }

    /**
     * Solves {@code gram x = right} and improves the solution once by its residual.
     *
     * @param x is given the solution; zero where the matrix is
     */
    void solve(double[][] gram, double[] right, double[] x) {
        if (!factorize(gram)) {
            Arrays.fill(x, 0);
            return;
        }
        System.arraycopy(right, 0, x, 0, size);
        substitute(x);
        for (int i = 0; i < size; i++) {
            double residual = right[i];
            for (int j = 0; j < size; j++) {
                residual -= gram[i][j] * x[j];
            }
            work[i] = residual;
        }
        substitute(work);
        for (int i = 0; i < size; i++) {
            x[i] += work[i];
        }
    }

    private boolean factorize(double[][] gram) {
        double trace = 0;
        for (int i = 0; i < size; i++) {
            trace += gram[i][i];
        }
        if (!(trace > 0)) {
            return false;
        }
        double ridge = RIDGE * trace / size;
        for (int i = 0; i < size; i++) {
            for (int j = 0; j <= i; j++) {
                double sum = gram[i][j] + (i == j ? ridge : 0);
                for (int k = 0; k < j; k++) {
                    sum -= factor[i][k] * factor[j][k];
                }
                // rounding may leave a pivot below the ridge
                factor[i][j] = i == j ? Math.sqrt(Math.max(sum, ridge)) : sum / factor[j][j];
            }
        }
        return true;
    }

    private void substitute(double[] x) {
        for (int i = 0; i < size; i++) {
            for (int k = 0; k < i; k++) {
                x[i] -= factor[i][k] * x[k];
            }
            x[i] /= factor[i][i];
        }
        for (int i = size - 1; i >= 0; i--) {
            for (int k = i + 1; k < size; k++) {
                x[i] -= factor[k][i] * x[k];
            }
            x[i] /= factor[i][i];
        }
    }
}
