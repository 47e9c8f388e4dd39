package org.mohawk4j.train.study.fit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.apache.commons.math3.linear.Array2DRowRealMatrix;
import org.apache.commons.math3.linear.SingularValueDecomposition;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Structured matrices are recovered, errors respect the bounds, and wider families are never worse. */
class FitsTest {
    private static final int TIME = 32;

    private static double[][] random(SplittableRandom random, int rows, int columns) {
        double[][] matrix = new double[rows][columns];
        for (double[] row : matrix) {
            Arrays.setAll(row, i -> random.nextDouble() * 2 - 1);
        }
        return matrix;
    }

    private static double[][] attention(long seed, int time) {
        SplittableRandom random = new SplittableRandom(seed);
        double[][] matrix = new double[time][time];
        for (int t = 0; t < time; t++) {
            double sum = 0;
            for (int s = 0; s <= t; s++) {
                matrix[t][s] = Math.exp(3 * random.nextDouble() + (s == 0 ? 2 : 0));
                sum += matrix[t][s];
            }
            for (int s = 0; s <= t; s++) {
                matrix[t][s] /= sum;
            }
        }
        return matrix;
    }

    private static ScalarDecay scalar(long seed, double least, int states) {
        SplittableRandom random = new SplittableRandom(seed);
        double[] decay = random.doubles(TIME, least, 1).toArray();
        return new ScalarDecay(decay, random(random, TIME, states), random(random, TIME, states));
    }

    private static StateSpace general(long seed, int states) {
        SplittableRandom random = new SplittableRandom(seed);
        double[][][] transitions = new double[TIME][][];
        for (int t = 0; t < TIME; t++) {
            transitions[t] = random(random, states, states);
        }
        return new StateSpace(transitions, random(random, TIME, states), random(random, TIME, states));
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void aCausalLowRankMatrixIsRecovered(long seed) {
        double[][] target = new ScalarDecay(
                        ScalarDecay.none(TIME),
                        scalar(seed, 0.5, 3).b(),
                        scalar(seed, 0.5, 3).c())
                .dense();
        Fits.Distances fit = Fits.of(target, List.of(3), 0);
        assertThat(fit.lowRank().get(0)).isLessThan(1e-8 * fit.norm());
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void aMatrixWithScalarDecayIsRecovered(long seed) {
        Fits.Distances fit = Fits.of(scalar(seed, 0.6, 3).dense(), List.of(3), 0);
        assertThat(fit.ssd().get(0)).isLessThan(1e-8 * fit.norm());
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 5})
    void aGeneralSemiseparableMatrixIsRecovered(int states) {
        Fits.Distances fit = Fits.of(general(4, states).dense(), List.of(states), 0);
        assertThat(fit.semiseparable().get(0)).isLessThan(1e-8 * fit.norm());
    }

    @Test
    void aStateTooSmallDoesNotRecover() {
        Fits.Distances fit = Fits.of(general(4, 5).dense(), List.of(4), 0);
        assertThat(fit.semiseparable().get(0)).isGreaterThan(1e-4 * fit.norm());
    }

    @Test
    void theNearestToeplitzMatrixHasTheMeansOfDiagonals() {
        double[][] target = {{1, 0, 0}, {4, 3, 0}, {9, 6, 5}};
        assertThat(Lower.toeplitz(target)).isDeepEqualTo(new double[][] {{3, 0, 0}, {5, 3, 0}, {9, 5, 3}});
        double[][] toeplitz = Lower.toeplitz(attention(1, TIME));
        assertThat(Fits.of(toeplitz, List.of(1), 0).toeplitz()).isCloseTo(0, within(1e-12));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4, 8})
    void theTruncationErrorRespectsTheBounds(int kept) {
        for (long seed = 0; seed < 2; seed++) {
            double[][] target = attention(seed, TIME);
            HankelRealization realization = HankelRealization.of(target, 8);
            double[][] truncated = realization.truncated(kept).dense();
            double[][] error = new double[TIME][TIME];
            for (int t = 0; t < TIME; t++) {
                int row = t;
                Arrays.setAll(error[t], s -> target[row][s] - truncated[row][s]);
            }
            double spectral = new SingularValueDecomposition(new Array2DRowRealMatrix(error)).getSingularValues()[0];
            assertThat(spectral).isLessThanOrEqualTo(realization.upperBound(kept));
            double best = Fits.of(target, List.of(kept), 0).semiseparable().get(0);
            assertThat(best).isBetween(realization.lowerBound(kept), Lower.distance(truncated, target) * (1 + 1e-12));
        }
    }

    @Test
    void widerFamiliesAndLargerStatesAreNeverWorse() {
        for (long seed = 0; seed < 3; seed++) {
            Fits.Distances fit = Fits.of(attention(seed, 24), List.of(1, 2, 5), seed);
            for (int i = 0; i < 3; i++) {
                assertThat(fit.ssd().get(i)).isLessThanOrEqualTo(fit.lowRank().get(i));
                assertThat(fit.semiseparable().get(i))
                        .isLessThanOrEqualTo(fit.ssd().get(i));
                if (i > 0) {
                    assertThat(fit.lowRank().get(i))
                            .isLessThanOrEqualTo(fit.lowRank().get(i - 1));
                    assertThat(fit.ssd().get(i)).isLessThanOrEqualTo(fit.ssd().get(i - 1));
                    assertThat(fit.semiseparable().get(i))
                            .isLessThanOrEqualTo(fit.semiseparable().get(i - 1));
                }
            }
        }
    }

    @Test
    void theSameSeedGivesTheSameFit() {
        double[][] target = attention(7, 20);
        assertThat(Fits.of(target, List.of(2, 4), 5)).isEqualTo(Fits.of(target, List.of(2, 4), 5));
    }
}
