package org.mohawk4j.train.study.fit;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.commons.math3.linear.Array2DRowRealMatrix;
import org.apache.commons.math3.linear.RealMatrix;
import org.apache.commons.math3.linear.SingularValueDecomposition;

/**
 * The balanced realization of a lower triangular matrix as a linear system that changes with time, and its truncation.
 *
 * <p>The Hankel block of position t is what is on and right above the past in the future's rows, {@code M[t.., 0..t]}.
 * With its singular value decomposition U Σ Vᵀ the state after position t is {@code Σ^½ Vᵀ} applied to the inputs so far,
 * and the outputs to come are {@code U Σ^½} applied to the state: both Gramians are Σ. Keeping the first N numbers of each
 * state is balanced truncation. Its error in the spectral norm is at most twice the sum of all singular values that are
 * dropped, over all positions (Lall and Beck 2003, "Error-bounds for balanced model-reduction of linear time-varying
 * systems", IEEE Transactions on Automatic Control 48(6)); no matrix with states of N is nearer in the Frobenius norm than
 * the root of the sum of squares that one Hankel block drops.
 */
public final class HankelRealization {
    /** Singular values below this share of the largest are rounding. */
    private static final double RANK_TOLERANCE = 1e-13;

    private final int time;
    private final int states;
    private final List<double[]> singularValues = new ArrayList<>();
    private final double[][][] transitions;
    private final double[][] b;
    private final double[][] c;

    private HankelRealization(int time, int states) {
        this.time = time;
        this.states = states;
        this.transitions = new double[time][states][states];
        this.b = new double[time][states];
        this.c = new double[time][states];
    }

    /** @param states the most that a truncation will keep */
    public static HankelRealization of(double[][] matrix, int states) {
        HankelRealization realization = new HankelRealization(matrix.length, states);
        double[][] before = {};
        double[] valuesBefore = {};
        double scale = 0;
        for (int t = 0; t < matrix.length; t++) {
            SingularValueDecomposition svd = new SingularValueDecomposition(block(matrix, t));
            double[] values = svd.getSingularValues();
            realization.singularValues.add(values);
            scale = Math.max(scale, values[0]);
            int rank = 0;
            while (rank < Math.min(states, values.length) && values[rank] > RANK_TOLERANCE * scale) {
                rank++;
            }
            double[][] right = svd.getVT().getData();
            RealMatrix left = svd.getU();
            for (int i = 0; i < rank; i++) {
                double root = Math.sqrt(values[i]);
                realization.c[t][i] = left.getEntry(0, i) * root;
                realization.b[t][i] = right[i][t] * root;
                for (int j = 0; j < before.length; j++) {
                    double sum = 0;
                    for (int s = 0; s < t; s++) {
                        sum += right[i][s] * before[j][s];
                    }
                    realization.transitions[t][i][j] = sum * root / Math.sqrt(valuesBefore[j]);
                }
            }
            before = Arrays.copyOf(right, rank);
            valuesBefore = values;
        }
        return realization;
    }

    private static Array2DRowRealMatrix block(double[][] matrix, int t) {
        double[][] rows = new double[matrix.length - t][];
        for (int i = 0; i < rows.length; i++) {
            rows[i] = Arrays.copyOf(matrix[t + i], t + 1);
        }
        return new Array2DRowRealMatrix(rows, false);
    }

    /** The first numbers of each state. */
    public StateSpace truncated(int kept) {
        if (kept < 1 || kept > states) {
            throw new IllegalArgumentException("kept: expected 1 to " + states + ", got " + kept);
        }
        double[][][] a = new double[time][kept][];
        double[][] shortB = new double[time][];
        double[][] shortC = new double[time][];
        for (int t = 0; t < time; t++) {
            for (int i = 0; i < kept; i++) {
                a[t][i] = Arrays.copyOf(transitions[t][i], kept);
            }
            shortB[t] = Arrays.copyOf(b[t], kept);
            shortC[t] = Arrays.copyOf(c[t], kept);
        }
        return new StateSpace(a, shortB, shortC);
    }

    /** What the truncation's error in the spectral norm does not exceed. */
    public double upperBound(int kept) {
        return 2
                * singularValues.stream()
                        .flatMapToDouble(values -> Arrays.stream(values).skip(kept))
                        .sum();
    }

    /** What the error in the Frobenius norm of no matrix with so many states falls below. */
    public double lowerBound(int kept) {
        return Math.sqrt(singularValues.stream()
                .mapToDouble(values -> Arrays.stream(values)
                        .skip(kept)
                        .map(value -> value * value)
                        .sum())
                .max()
                .orElse(0));
    }
}
