package org.mohawk4j.mixer;

import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;

/**
 * Sums along the diagonals of a teacher's mixing matrix A and of a student's scores S, lower triangles only. Element k
 * of each array is the sum over all pairs of positions (t, s) with t - s = k, in all sequences. They are all that a least
 * squares fit of A by functions of the lag needs, so no T×T array has to reach the host.
 *
 * @param count pairs with this lag
 * @param a sums of A
 * @param aa sums of A²
 * @param s sums of S
 * @param ss sums of S²
 * @param as sums of A·S
 */
record LagSums(double[] count, double[] a, double[] aa, double[] s, double[] ss, double[] as) {
    /**
     * @param matrix A of one head, [B,1,T,T]
     * @param scores S of one head, [B,1,T,T]
     */
    static LagSums of(Tensor matrix, Tensor scores) {
        try (Scope scope = matrix.engine().scope()) {
            Tensor lower = matrix.tril(0, 0);
            Tensor lowerScores = scores.tril(0, 0);
            int time = Math.toIntExact(matrix.dim(-1));
            double[] count = new double[time];
            for (int lag = 0; lag < time; lag++) {
                count[lag] = (double) matrix.dim(0) * (time - lag);
            }
            return new LagSums(
                    count,
                    diagonals(lower),
                    diagonals(lower.square()),
                    diagonals(lowerScores),
                    diagonals(lowerScores.square()),
                    diagonals(lower.mul(lowerScores)));
        }
    }

    LagSums plus(LagSums other) {
        return new LagSums(
                sum(count, other.count),
                sum(a, other.a),
                sum(aa, other.aa),
                sum(s, other.s),
                sum(ss, other.ss),
                sum(as, other.as));
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

    private static double[] sum(double[] first, double[] second) {
        double[] sum = new double[first.length];
        for (int i = 0; i < sum.length; i++) {
            sum[i] = first[i] + second[i];
        }
        return sum;
    }
}
