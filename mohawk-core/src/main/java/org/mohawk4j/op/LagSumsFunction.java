package org.mohawk4j.op;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.FusedOp;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;

/**
 * Sums along the diagonals of the lower triangles of matrices [B,1,T,T]: for each lag from 0 to T - 1 over all pairs of
 * positions (t, s) with t - s equal to it, in all sequences. A shift k of S is S[t,s+k] at (t, s) where s + k ≤ t, else 0.
 * No gradient.
 */
public final class LagSumsFunction {
    private LagSumsFunction() {}

    /** On the device. */
    public interface FusedLagSums extends FusedOp {
        /** As {@link LagSumsFunction#ofMatrix}. */
        Array ofMatrix(Array matrix, Array scores, int shifts);

        /** As {@link LagSumsFunction#ofScores}. */
        Array ofScores(Array scores, int shifts);
    }

    /**
     * @param matrix A, [B,1,T,T]
     * @param scores S, of the same shape and type
     * @param shifts K of S, at most T
     * @return the sums of A, of A² and of A times S shifted by 0 to K - 1: [2+K,T]
     */
    public static Tensor ofMatrix(Tensor matrix, Tensor scores, int shifts) {
        require(matrix, scores, shifts);
        Optional<FusedLagSums> kernel = matrix.engine().backend().fused(FusedLagSums.class);
        if (kernel.isPresent()) {
            return matrix.engine().wrap(kernel.get().ofMatrix(matrix.array(), scores.array(), shifts));
        }
        return matrix.engine().scoped(() -> {
            Tensor a = matrix.tril(0, 0);
            Tensor s = scores.tril(0, 0);
            List<Tensor> sums = new ArrayList<>(List.of(diagonals(a), diagonals(a.square())));
            for (int k = 0; k < shifts; k++) {
                int shift = k;
                sums.add(matrix.engine().scoped(() -> diagonals(a.mul(shifted(s, shift)))));
            }
            return Tensor.concat(0, sums);
        });
    }

    /**
     * @param scores S, [B,1,T,T]
     * @param shifts K of S, at most T
     * @return the sums of S_j for shifts j from 0 to K - 1, and after these of S_j S_k for k ≤ j, in the order (0,0), (1,0),
     *     (1,1), (2,0) and so on: [K+K(K+1)/2,T]
     */
    public static Tensor ofScores(Tensor scores, int shifts) {
        require(scores, scores, shifts);
        Engine engine = scores.engine();
        Optional<FusedLagSums> kernel = engine.backend().fused(FusedLagSums.class);
        if (kernel.isPresent()) {
            return engine.wrap(kernel.get().ofScores(scores.array(), shifts));
        }
        return engine.scoped(() -> {
            Tensor s = scores.tril(0, 0);
            List<Tensor> sums = new ArrayList<>();
            for (int j = 0; j < shifts; j++) {
                sums.add(diagonals(shifted(s, j)));
            }
            for (int j = 0; j < shifts; j++) {
                for (int k = 0; k <= j; k++) {
                    int first = j;
                    int second = k;
                    sums.add(engine.scoped(() -> diagonals(shifted(s, first).mul(shifted(s, second)))));
                }
            }
            return Tensor.concat(0, sums);
        });
    }

    private static void require(Tensor matrix, Tensor scores, int shifts) {
        boolean squares = matrix.shape().rank() == 4 && matrix.dim(1) == 1 && matrix.dim(2) == matrix.dim(3);
        boolean same = matrix.shape().equals(scores.shape()) && matrix.dtype() == scores.dtype();
        if (!squares || !same || shifts < 1 || shifts > matrix.dim(3)) {
            throw new IllegalArgumentException(
                    "lag sums need matrix and scores [B,1,T,T] of one type and 1 to T shifts;"
                            + " got matrix " + matrix.dtype() + " " + matrix.shape() + ", scores " + scores.dtype()
                            + " "
                            + scores.shape() + ", " + shifts + " shifts");
        }
    }

    /** Of a lower triangle. */
    private static Tensor shifted(Tensor lower, int shift) {
        return shift == 0
                ? lower
                : lower.narrow(-1, shift, lower.dim(-1) - shift).pad(-1, 0, shift);
    }

    /**
     * Sums by lag [1,T] of [B,1,T,T], zero above the diagonal. In rows of T + 1 instead of T numbers, row t of the matrix
     * begins t places early, so that a diagonal becomes a column: lag 0 the first, lag k the k-th from the end.
     */
    private static Tensor diagonals(Tensor lower) {
        Engine engine = lower.engine();
        long batch = lower.dim(0);
        int time = Math.toIntExact(lower.dim(-1));
        return engine.scoped(() -> {
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
            return engine.tensor(byLag, 1, time);
        });
    }
}
