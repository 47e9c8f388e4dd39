package org.mohawk4j.mixer;

import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;

/**
 * Sums along the diagonals of a teacher's mixing matrix A and of a student's scores S, lower triangles only: for each lag
 * over all pairs of positions (t, s) with t - s equal to it, in all sequences. They are all that a least squares fit of A
 * by functions of the lag needs, so no T×T array has to reach the host.
 */
final class LagSums {
    private final long sequences;
    private final double[] a;
    private final double[] aa;
    private final double[] s;
    private final double[] ss;
    private final double[] as;

    /** S of heads that share their scores, and its sums. */
    static final class GroupScores {
        private final Tensor lower;
        private final double[] s;
        private final double[] ss;

        /** @param scores S, [B,1,T,T] */
        GroupScores(Tensor scores) {
            lower = scores.tril(0, 0);
            s = diagonals(lower);
            try (Scope scope = scores.engine().scope()) {
                ss = diagonals(lower.square());
            }
        }
    }

    /** @param matrix A of one head, [B,1,T,T] */
    LagSums(Tensor matrix, GroupScores scores) {
        try (Scope scope = matrix.engine().scope()) {
            Tensor lower = matrix.tril(0, 0);
            sequences = matrix.dim(0);
            a = diagonals(lower);
            aa = diagonals(lower.square());
            s = scores.s;
            ss = scores.ss;
            as = diagonals(lower.mul(scores.lower));
        }
    }

    /** T: lags are 0 to T - 1. */
    int lags() {
        return a.length;
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

    /** The sum of S. */
    double s(int lag) {
        return s[lag];
    }

    /** The sum of S². */
    double ss(int lag) {
        return ss[lag];
    }

    /** The sum of A·S. */
    double as(int lag) {
        return as[lag];
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
