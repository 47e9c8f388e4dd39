package org.mohawk4j.mixer;

import java.util.Arrays;
import java.util.function.Supplier;
import org.mohawk4j.op.LagSumsFunction;
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
        private final Tensor scores;
        private final double[][] s;
        private final double[][][] ss;

        /**
         * @param scores S, [B,1,T,T]
         * @param taps K, how many shifts of S, 0 the first
         */
        GroupScores(Tensor scores, int taps) {
            this.scores = scores;
            int shifts = (int) Math.min(taps, scores.dim(-1));
            double[][] all = rows(scores, () -> LagSumsFunction.ofScores(scores, shifts));
            s = Arrays.copyOf(all, shifts);
            ss = new double[shifts][shifts][];
            int place = shifts;
            for (int j = 0; j < shifts; j++) {
                for (int k = 0; k <= j; k++) {
                    ss[j][k] = all[place++];
                    ss[k][j] = ss[j][k];
                }
            }
        }

        int taps() {
            return s.length;
        }
    }

    /** @param matrix A of one head, [B,1,T,T] */
    LagSums(Tensor matrix, GroupScores scores) {
        this.scores = scores;
        sequences = matrix.dim(0);
        double[][] all = rows(matrix, () -> LagSumsFunction.ofMatrix(matrix, scores.scores, scores.taps()));
        a = all[0];
        aa = all[1];
        as = Arrays.copyOfRange(all, 2, all.length);
    }

    private static double[][] rows(Tensor of, Supplier<Tensor> sums) {
        try (Scope scope = of.engine().scope()) {
            Tensor made = sums.get();
            int lags = Math.toIntExact(made.dim(1));
            double[] all = made.toDoubles();
            double[][] rows = new double[all.length / lags][];
            for (int i = 0; i < rows.length; i++) {
                rows[i] = Arrays.copyOfRange(all, i * lags, (i + 1) * lags);
            }
            return rows;
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
}
