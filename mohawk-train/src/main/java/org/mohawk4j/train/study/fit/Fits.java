package org.mohawk4j.train.study.fit;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import org.apache.commons.math3.linear.Array2DRowRealMatrix;
import org.apache.commons.math3.linear.ArrayRealVector;
import org.apache.commons.math3.linear.LUDecomposition;
import org.apache.commons.math3.linear.RealMatrix;
import org.apache.commons.math3.linear.SingularValueDecomposition;

/**
 * Structured matrices near one lower triangular matrix, for growing state sizes. Families are nested: the best fit of a
 * narrower family, or of a smaller state, is a candidate for the wider one, which therefore is never worse.
 */
public final class Fits {
    /** Starts at random, beside the one that the matrix itself gives. */
    private static final int RESTARTS = 2;

    private static final double LEAST_DECAY = 1e-3;

    private final double[][] target;
    private final HankelRealization realization;
    private final SplittableRandom random;
    private List<ScalarDecay> lowRank = List.of();
    private List<ScalarDecay> ssd = List.of();
    private List<StateSpace> general = List.of();

    /** @param sizes N, ascending */
    private Fits(double[][] target, List<Integer> sizes, long seed) {
        this.target = target;
        this.realization = HankelRealization.of(target, sizes.get(sizes.size() - 1));
        this.random = new SplittableRandom(seed);
    }

    /**
     * The Frobenius distances of the best fits.
     *
     * @param toeplitz of the nearest causal Toeplitz matrix
     * @param lowRank of causal low-rank matrices, by state size
     * @param ssd of matrices with scalar decay
     * @param semiseparable of general semiseparable matrices
     */
    public record Distances(
            double norm, double toeplitz, List<Double> lowRank, List<Double> ssd, List<Double> semiseparable) {}

    /**
     * Fits all families.
     *
     * @param sizes N, ascending
     * @param seed of the starts
     */
    public static Distances of(double[][] target, List<Integer> sizes, long seed) {
        Fits fits = new Fits(target, sizes, seed);
        List<Double> lowRank = new ArrayList<>();
        List<Double> ssd = new ArrayList<>();
        List<Double> semiseparable = new ArrayList<>();
        for (int size : sizes) {
            lowRank.add(fits.keepBestLowRank(size));
            ssd.add(fits.keepBestSsd(size));
            semiseparable.add(fits.keepBestGeneral(size));
        }
        return new Distances(
                Lower.norm(target),
                Lower.distance(Lower.toeplitz(target), target),
                List.copyOf(lowRank),
                List.copyOf(ssd),
                List.copyOf(semiseparable));
    }

    private double keepBestLowRank(int size) {
        List<ScalarDecay> candidates = new ArrayList<>(lowRank);
        double[] none = ScalarDecay.none(target.length);
        candidates.add(ScalarDecay.fit(target, none, middle(size)));
        for (int i = 0; i < RESTARTS; i++) {
            candidates.add(ScalarDecay.fit(target, none, random(size)));
        }
        ScalarDecay best = best(candidates);
        lowRank = List.of(best);
        return distance(best);
    }

    private double keepBestSsd(int size) {
        List<ScalarDecay> candidates = new ArrayList<>(ssd);
        candidates.addAll(lowRank);
        ScalarDecay balanced = balanced(size);
        candidates.add(ScalarDecay.fit(target, balanced.decay(), balanced.b()));
        candidates.add(ScalarDecay.fit(target, balanced.decay(), random(size)));
        for (double decay : new double[] {0.99, 0.9}) {
            double[] constant = new double[target.length];
            Arrays.fill(constant, decay);
            candidates.add(ScalarDecay.fit(target, constant, random(size)));
        }
        ScalarDecay best = best(candidates);
        ssd = List.of(best);
        return distance(best);
    }

    private double keepBestGeneral(int size) {
        List<StateSpace> candidates = new ArrayList<>(general);
        candidates.add(realization.truncated(size).refitted(target));
        ssd.forEach(fit -> candidates.add(fit.asStateSpace().refitted(target)));
        StateSpace best = candidates.stream()
                .min(Comparator.comparingDouble(this::distance))
                .orElseThrow();
        general = List.of(best);
        return distance(best);
    }

    private ScalarDecay best(List<ScalarDecay> candidates) {
        return candidates.stream()
                .min(Comparator.comparingDouble(this::distance))
                .orElseThrow();
    }

    private double distance(ScalarDecay fit) {
        return Lower.distance(fit.dense(), target);
    }

    private double distance(StateSpace fit) {
        return Lower.distance(fit.dense(), target);
    }

    private double[][] random(int size) {
        double[][] start = new double[target.length][size];
        for (double[] row : start) {
            Arrays.setAll(row, i -> random.nextDouble() * 2 - 1);
        }
        return start;
    }

    /**
     * Of a causal low-rank matrix the block below its middle holds half of b whole, up to a change of basis; the other half
     * follows from the first sweep.
     */
    private double[][] middle(int size) {
        int time = target.length;
        int half = time / 2;
        double[][] block = new double[time - half][];
        for (int t = half; t < time; t++) {
            block[t - half] = Arrays.copyOf(target[t], half + 1);
        }
        double[][] right = new SingularValueDecomposition(new Array2DRowRealMatrix(block, false))
                .getVT()
                .getData();
        double[][] start = random(size);
        for (int s = 0; s <= half; s++) {
            for (int i = 0; i < Math.min(size, right.length); i++) {
                start[s][i] = right[i][s];
            }
        }
        // rows of the second half must not disturb those of c that the first half decides
        for (int s = half + 1; s < time; s++) {
            Arrays.fill(start[s], 0);
        }
        return start;
    }

    /**
     * What a truncated balanced realization says of a scalar decay: of a matrix that has one, each transition is that decay
     * times a change of basis, so that the root of its determinant is the decay. The changes of basis are taken out of b.
     */
    private ScalarDecay balanced(int size) {
        StateSpace system = realization.truncated(size);
        int time = target.length;
        double[] decay = ScalarDecay.none(time);
        double[][] b = new double[time][size];
        RealMatrix basis = null;
        for (int t = size; t <= time - size; t++) {
            RealMatrix transition = new Array2DRowRealMatrix(system.transitions()[t], false);
            double determinant = Math.abs(new LUDecomposition(transition).getDeterminant());
            double root = Math.pow(determinant, 1.0 / size);
            boolean usable = t > size && determinant > 0 && Double.isFinite(root);
            decay[t] = usable ? Math.min(1, Math.max(LEAST_DECAY, root)) : 1;
            basis = usable && basis != null ? transition.multiply(basis).scalarMultiply(1 / root) : identity(size);
            b[t] = solve(basis, system.b()[t]);
        }
        return new ScalarDecay(decay, b, b);
    }

    private static RealMatrix identity(int size) {
        RealMatrix identity = new Array2DRowRealMatrix(size, size);
        for (int i = 0; i < size; i++) {
            identity.setEntry(i, i, 1);
        }
        return identity;
    }

    private static double[] solve(RealMatrix basis, double[] right) {
        LUDecomposition decomposition = new LUDecomposition(basis);
        return decomposition.getSolver().isNonSingular()
                ? decomposition
                        .getSolver()
                        .solve(new ArrayRealVector(right, false))
                        .toArray()
                : right;
    }
}
