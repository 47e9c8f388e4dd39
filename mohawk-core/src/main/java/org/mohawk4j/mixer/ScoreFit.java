package org.mohawk4j.mixer;

import java.util.ArrayList;
import java.util.List;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.IntStream;

/**
 * The best approximation of a teacher's mixing matrix by {@code exp(-rate·(t-s)) (constant + scale·S[t,s]) + skip·[t=s]},
 * where S are a student's scores: least squares over all pairs t ≥ s.
 *
 * @param rate of decay, at least 0
 * @param skip on the diagonal alone
 * @param relativeError the Frobenius norm of the residual, relative to the teacher's matrix
 */
public record ScoreFit(double rate, double constant, double scale, double skip, double relativeError) {
    private static final double SLOWEST = 5e-4;
    private static final double FASTEST = 2;
    private static final int GRID = 16;

    /** Steps of golden-section search between neighbors on the grid: to a thousandth of their distance. */
    private static final int REFINEMENTS = 15;

    /** Rounds in which heads that share scores find their rates and their common factors in turn. */
    private static final int ROUNDS = 4;

    private static final double GOLDEN = (Math.sqrt(5) - 1) / 2;

    /**
     * What a mixer can represent.
     *
     * @param decays whether it has a rate; else it is 0
     * @param skips whether it has a term on the diagonal alone; else it is 0
     */
    public record Form(boolean decays, boolean skips) {}

    /**
     * What B's rows are multiplied by: the root of the scale's size. Scores are larger than a matrix's entries by some
     * ten times, and an optimizer that moves all entries alike would overwrite rows of C that took all of it.
     */
    double keyFactor() {
        return scale == 0 ? 1 : Math.sqrt(Math.abs(scale));
    }

    /** What C's rows are multiplied by: the rest of the scale. */
    double queryFactor() {
        return scale / keyFactor();
    }

    /** Fits heads that share their scores, and so {@code constant} and {@code scale}. */
    static List<ScoreFit> of(List<LagSums> heads, Form form) {
        double[] rates = new double[heads.size()];
        if (form.decays()) {
            for (int h = 0; h < rates.length; h++) {
                LagSums sums = heads.get(h);
                rates[h] = best(rate -> {
                    Equations own = Equations.of(sums, rate, form);
                    return own.error(own.solve());
                });
            }
        }
        Solution shared = joint(heads, rates, form);
        for (int round = 0; form.decays() && heads.size() > 1 && round < ROUNDS; round++) {
            for (int h = 0; h < rates.length; h++) {
                LagSums sums = heads.get(h);
                Solution fixed = shared;
                rates[h] = best(rate -> Equations.of(sums, rate, form).error(fixed));
            }
            shared = joint(heads, rates, form);
        }
        List<ScoreFit> fits = new ArrayList<>();
        for (int h = 0; h < rates.length; h++) {
            fits.add(of(heads.get(h), rates[h], shared, form));
        }
        return fits;
    }

    private static ScoreFit of(LagSums sums, double rate, Solution solution, Form form) {
        double skip = form.skips() ? (sums.a(0) - solution.scale * sums.s(0)) / sums.count(0) - solution.constant : 0;
        double left = Math.max(Equations.of(sums, rate, form).error(solution), 0);
        double all = IntStream.range(0, sums.lags()).mapToDouble(sums::aa).sum();
        return new ScoreFit(rate, solution.constant, solution.scale, skip, all == 0 ? 0 : Math.sqrt(left / all));
    }

    private static Solution joint(List<LagSums> heads, double[] rates, Form form) {
        Equations sum = Equations.NONE;
        for (int h = 0; h < rates.length; h++) {
            sum = sum.plus(Equations.of(heads.get(h), rates[h], form));
        }
        return sum.solve();
    }

    /** The rate of the smallest error: on a logarithmic grid, then between the neighbors of the best one there. */
    private static double best(DoubleUnaryOperator error) {
        double step = Math.log(FASTEST / SLOWEST) / (GRID - 1);
        int best = 0;
        double smallest = Double.POSITIVE_INFINITY;
        for (int i = 0; i < GRID; i++) {
            double here = error.applyAsDouble(SLOWEST * Math.exp(i * step));
            if (here < smallest) {
                smallest = here;
                best = i;
            }
        }
        double low = Math.max(best - 1, 0) * step;
        double high = Math.min(best + 1, GRID - 1) * step;
        for (int i = 0; i < REFINEMENTS; i++) {
            double left = high - GOLDEN * (high - low);
            double right = low + GOLDEN * (high - low);
            if (error.applyAsDouble(SLOWEST * Math.exp(left)) < error.applyAsDouble(SLOWEST * Math.exp(right))) {
                high = right;
            } else {
                low = left;
            }
        }
        return SLOWEST * Math.exp((low + high) / 2);
    }

    private record Solution(double constant, double scale) {}

    /**
     * Normal equations for the constant and the scale at a given rate. A term on the diagonal alone takes the mean of
     * what is left there, so lag 0 enters with its mean removed.
     */
    private record Equations(double g11, double g12, double g22, double r1, double r2, double aa) {
        static final Equations NONE = new Equations(0, 0, 0, 0, 0, 0);

        static Equations of(LagSums sums, double rate, Form form) {
            double g11 = 0;
            double g12 = 0;
            double g22 = 0;
            double r1 = 0;
            double r2 = 0;
            double aa = 0;
            int first = 0;
            if (form.skips()) {
                first = 1;
                double n = sums.count(0);
                g22 = sums.ss(0) - sums.s(0) * sums.s(0) / n;
                r2 = sums.as(0) - sums.a(0) * sums.s(0) / n;
                aa = sums.aa(0) - sums.a(0) * sums.a(0) / n;
            }
            double each = Math.exp(-rate);
            double decay = first == 0 ? 1 : each;
            for (int lag = first; lag < sums.lags(); lag++) {
                g11 += decay * decay * sums.count(lag);
                g12 += decay * decay * sums.s(lag);
                g22 += decay * decay * sums.ss(lag);
                r1 += decay * sums.a(lag);
                r2 += decay * sums.as(lag);
                aa += sums.aa(lag);
                decay *= each;
            }
            return new Equations(g11, g12, g22, r1, r2, aa);
        }

        Equations plus(Equations other) {
            return new Equations(
                    g11 + other.g11, g12 + other.g12, g22 + other.g22, r1 + other.r1, r2 + other.r2, aa + other.aa);
        }

        /** Where scores are all zero, or a multiple of the constant, the constant alone. */
        Solution solve() {
            double determinant = g11 * g22 - g12 * g12;
            if (determinant > 1e-12 * g11 * g22) {
                return new Solution((r1 * g22 - r2 * g12) / determinant, (r2 * g11 - r1 * g12) / determinant);
            }
            return new Solution(g11 > 0 ? r1 / g11 : 0, 0);
        }

        /** The squared error. */
        double error(Solution x) {
            return aa
                    - 2 * (x.constant * r1 + x.scale * r2)
                    + x.constant * x.constant * g11
                    + 2 * x.constant * x.scale * g12
                    + x.scale * x.scale * g22;
        }
    }
}
