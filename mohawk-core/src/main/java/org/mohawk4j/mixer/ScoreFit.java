package org.mohawk4j.mixer;

import java.util.Arrays;
import java.util.List;
import java.util.function.DoubleFunction;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;

/**
 * The best approximation of a teacher's mixing matrix by {@code exp(-rate·(t-s)) (constant + scale·S[t,s]) + skip·[t=s]},
 * where S are a student's scores, applied to values after a convolution: least squares over all pairs t ≥ s.
 *
 * @param rate of decay, at least 0
 * @param skip on the diagonal alone
 * @param taps of the convolution, the first of the present value; their sum is 1
 * @param relativeError the Frobenius norm of the residual, relative to the teacher's matrix
 */
public record ScoreFit(
        double rate, double constant, double scale, double skip, List<Double> taps, double relativeError) {
    private static final double SLOWEST = 5e-4;
    private static final double FASTEST = 2;
    private static final int GRID = 16;

    /** Steps of golden-section search between neighbors on the grid: to a hundredth of their distance. */
    private static final int REFINEMENTS = 10;

    /** Rounds in which heads that share scores find their rates and their common factors in turn. */
    private static final int ROUNDS = 4;

    /** Rounds in which taps are found for given terms, and terms for given taps. */
    private static final int ALTERNATIONS = 20;

    /** Taps whose sum is smaller, relative to that of their sizes, are scaled by the latter. */
    private static final double BALANCED = 0.2;

    private static final double GOLDEN = (Math.sqrt(5) - 1) / 2;

    /** Copies the taps. */
    public ScoreFit {
        taps = List.copyOf(taps);
    }

    /**
     * What a mixer can represent.
     *
     * @param decays whether it has a rate; else it is 0
     * @param skips whether it has a term on the diagonal alone; else it is 0
     * @param taps of the convolution of its values; 1 without one
     */
    public record Form(boolean decays, boolean skips, int taps) {
        Form withoutTaps() {
            return new Form(decays, skips, 1);
        }
    }

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
        List<Candidate> own = heads.parallelStream()
                .map(sums -> best(form, rate -> Candidate.free(new FitEquations(sums, rate, form.skips()), rate)))
                .toList();
        for (int round = 0; heads.size() > 1 && round < ROUNDS; round++) {
            List<Candidate> before = own;
            double[] shared = joint(before);
            own = IntStream.range(0, heads.size())
                    .parallel()
                    .mapToObj(h -> best(
                            form,
                            rate -> Candidate.sharing(
                                    new FitEquations(heads.get(h), rate, form.skips()),
                                    rate,
                                    shared,
                                    before.get(h).taps)))
                    .toList();
        }
        return own.stream().map(Candidate::fit).toList();
    }

    /** The terms that are best for all heads together, with the taps and rates of each; its skip is 0. */
    private static double[] joint(List<Candidate> heads) {
        double[][] sum = new double[FitEquations.SKIP][FitEquations.SKIP + 1];
        for (Candidate head : heads) {
            double[][] own = head.equations.terms(head.taps);
            double[] last = own[FitEquations.SKIP];
            for (int x = 0; x < sum.length; x++) {
                double factor = last[FitEquations.SKIP] > 0 ? own[x][FitEquations.SKIP] / last[FitEquations.SKIP] : 0;
                for (int y = 0; y < sum.length; y++) {
                    sum[x][y] += own[x][y] - factor * last[y];
                }
                sum[x][sum.length] += own[x][FitEquations.TERMS] - factor * last[FitEquations.TERMS];
            }
        }
        double[] found = FitEquations.solve(sum, new double[sum.length]);
        return Arrays.copyOf(found, FitEquations.TERMS);
    }

    /** A fit at one rate. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record Candidate(FitEquations equations, double rate, double[] terms, double[] taps, double error) {
        /** All terms and taps of its own. */
        static Candidate free(FitEquations equations, double rate) {
            double[] taps = equations.identity();
            double[] terms = FitEquations.solve(equations.terms(taps), new double[FitEquations.TERMS]);
            for (int i = 0; i < ALTERNATIONS && taps.length > 1; i++) {
                taps = normalized(equations.taps(terms, taps), taps);
                terms = FitEquations.solve(equations.terms(taps), new double[FitEquations.TERMS]);
            }
            return of(equations, rate, terms, taps);
        }

        /** With given terms but the skip. */
        static Candidate sharing(FitEquations equations, double rate, double[] shared, double[] start) {
            double[] taps = start;
            double[] terms = shared.clone();
            terms[FitEquations.SKIP] = equations.skip(terms, taps);
            for (int i = 0; i < ALTERNATIONS && taps.length > 1; i++) {
                taps = equations.taps(terms, taps);
                terms[FitEquations.SKIP] = equations.skip(terms, taps);
            }
            return of(equations, rate, terms, taps);
        }

        private static Candidate of(FitEquations equations, double rate, double[] terms, double[] taps) {
            return new Candidate(equations, rate, terms, taps, equations.error(terms, taps));
        }

        private static double[] normalized(double[] taps, double[] before) {
            double sum = DoubleStream.of(taps).sum();
            double sizes = DoubleStream.of(taps).map(Math::abs).sum();
            if (sizes == 0) {
                return before;
            }
            double by = Math.abs(sum) > BALANCED * sizes ? sum : sizes;
            return DoubleStream.of(taps).map(tap -> tap / by).toArray();
        }

        ScoreFit fit() {
            double all = equations.all();
            return new ScoreFit(
                    rate,
                    terms[FitEquations.CONSTANT],
                    terms[FitEquations.SCALE],
                    terms[FitEquations.SKIP],
                    DoubleStream.of(taps).boxed().toList(),
                    all == 0 ? 0 : Math.sqrt(Math.max(error, 0) / all));
        }
    }

    /** At the rate of the smallest error: on a logarithmic grid, then between the neighbors of the best one there. */
    private static Candidate best(Form form, DoubleFunction<Candidate> at) {
        if (!form.decays()) {
            return at.apply(0);
        }
        double step = Math.log(FASTEST / SLOWEST) / (GRID - 1);
        int place = 0;
        Candidate best = at.apply(SLOWEST);
        for (int i = 1; i < GRID; i++) {
            Candidate here = at.apply(SLOWEST * Math.exp(i * step));
            if (here.error < best.error) {
                best = here;
                place = i;
            }
        }
        double low = Math.max(place - 1, 0) * step;
        double high = Math.min(place + 1, GRID - 1) * step;
        for (int i = 0; i < REFINEMENTS; i++) {
            Candidate left = at.apply(SLOWEST * Math.exp(high - GOLDEN * (high - low)));
            Candidate right = at.apply(SLOWEST * Math.exp(low + GOLDEN * (high - low)));
            boolean lower = left.error < right.error;
            if (lower) {
                high = low + GOLDEN * (high - low);
            } else {
                low = high - GOLDEN * (high - low);
            }
            Candidate nearer = lower ? left : right;
            best = nearer.error < best.error ? nearer : best;
        }
        return best;
    }
}
