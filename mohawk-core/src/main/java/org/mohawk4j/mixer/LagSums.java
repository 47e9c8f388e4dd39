package org.mohawk4j.mixer;

import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;

/**
 * Sums along the diagonals of a teacher's mixing matrix A and of a student's scores S, lower triangles only: for each lag
 * over all pairs of positions (t, s) with t - s equal to it, in all sequences. They are all that a least squares fit of A
 * by functions of the lag needs, so no T×T array has to reach the host.
 *
 * <p>A convolution of the values has a matrix see them later: its tap k multiplies S[t,s+k], where s + k ≤ t. So there are
 * sums of each shifted S, and of the products of any two.
 */
final class LagSums {
    private final long sequences;
    private final double[] a;
    private final double[] aa;
    private final double[][] as;
    private final GroupScores scores;

    /** S of heads that share their scores, and its sums. */
    static final class GroupScores {
        private final Tensor lower;
        private final double[][] s;
        private final double[][][] ss;

        /**
         * @param scores S, [B,1,T,T]
         * @param taps K, how many shifts of S, 0 the first
         */
        GroupScores(Tensor scores, int taps) {
            lower = scores.tril(0, 0);
            int shifts = (int) Math.min(taps, lower.dim(-1));
            s = new double[shifts][];
            ss = new double[shifts][shifts][];
            for (int j = 0; j < shifts; j++) {
                try (Scope scope = scores.engine().scope()) {
                    Tensor first = shifted(j);
                    s[j] = diagonals(first);
                    for (int k = 0; k <= j; k++) {
                        ss[j][k] = diagonals(first.mul(shifted(k)));
                        ss[k][j] = ss[j][k];
                    }
                }
            }
        }

        int taps() {
            return s.length;
        }

        /** S[t,s+shift] at (t, s). */
        private Tensor shifted(int shift) {
            return shift == 0
                    ? lower
                    : lower.narrow(-1, shift, lower.dim(-1) - shift).pad(-1, 0, shift);
        }
    }

    /** @param matrix A of one head, [B,1,T,T] */
    LagSums(Tensor matrix, GroupScores scores) {
        this.scores = scores;
        try (Scope scope = matrix.engine().scope()) {
            Tensor lower = matrix.tril(0, 0);
            sequences = matrix.dim(0);
            a = diagonals(lower);
            aa = diagonals(lower.square());
            as = new double[scores.taps()][];
            for (int k = 0; k < as.length; k++) {
                as[k] = diagonals(lower.mul(scores.shifted(k)));
            }
        }
    }

    /** T: lags are 0 to T - 1. */
    int lags() {
        return a.length;
    }

    /** K, at most T. */
    int taps() {
        return as.length;
    }

    /** Pairs with this lag. */
    double count(int lag) {
        return (double) sequences * (lags() - lag);
    }

    /** The sum of A. */
    double a(int lag) {
        return a[lag];
    }

    /** The sum of A². */
    double aa(int lag) {
        return aa[lag];
    }

    /** The sum of S shifted by k. */
    double s(int lag, int k) {
        return scores.s[k][lag];
    }

    /** The sum of products of S shifted by j and by k. */
    double ss(int lag, int j, int k) {
        return scores.ss[j][k][lag];
    }

    /** The sum of products of A and S shifted by k. */
    double as(int lag, int k) {
        return as[k][lag];
    }

    /**
     * Sums by lag of [B,1,T,T], zero above the diagonal. In rows of T + 1 instead of T numbers, row t of the matrix
     * begins t places early, so that a diagonal becomes a column: lag 0 the first, lag k the k-th from the end.
     */
    private static double[] diagonals(Tensor lower) {
        long batch = lower.dim(0);
        int time = Math.toIntExact(lower.dim(-1));
        try (Scope scope = lower.engine().scope()) {
            double[] columns = lower.reshape(batch, (long) time * time)
                    .pad(1, 0, time)
                    .reshape(batch * time, time + 1)
                    .sum(0)
                    .toDoubles();
            double[] byLag = new double[time];
            byLag[0] = columns[0];
            for (int lag = 1; lag < time; lag++) {
                byLag[lag] = columns[time + 1 - lag];
            }
            return byLag;
        }
    }
}
