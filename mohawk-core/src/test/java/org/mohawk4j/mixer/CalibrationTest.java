package org.mohawk4j.mixer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.mohawk4j.matrix.DenseMatrix;
import org.mohawk4j.matrix.MixingMatrix;
import org.mohawk4j.nn.RotaryConfig;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.Shape;
import org.mohawk4j.testing.Float64Test;
import org.mohawk4j.testing.HostArray;

/** The closed-form fit of new mixers to an attention's matrices. Width 24, four heads of six. */
class CalibrationTest extends Float64Test {
    private static final int TIME = 40;

    private SoftmaxAttention attention() {
        return new SoftmaxAttention.Config(24, 4, 2, 2, 100).create(engine(), new SplittableRandom(2));
    }

    /** Inputs whose last entry is 1, so that a constant is a linear function of them. */
    private Tensor input() {
        return Tensor.concat(-1, List.of(random(1, 2, TIME, 23), engine().full(1, 2, TIME, 1)));
    }

    private static double distance(MixingMatrix teacher, MatrixMixer student, Tensor u) {
        return distance(teacher.materialize(), student.matrix(u).materialize());
    }

    private static double distance(Tensor target, Tensor matrix) {
        return Math.sqrt(
                matrix.sub(target).square().sum().item() / target.square().sum().item());
    }

    /** A matrix [B,4,T,T] applied to values after a convolution with the taps of each head. */
    private static Tensor convolved(Tensor matrix, List<List<Double>> taps) {
        List<Tensor> heads = new ArrayList<>();
        for (int head = 0; head < 4; head++) {
            Tensor own = matrix.narrow(1, head, 1);
            Tensor sum = own.mul(taps.get(head).get(0));
            for (int k = 1; k < taps.get(head).size(); k++) {
                Tensor shifted = own.narrow(-1, k, TIME - k).pad(-1, 0, k);
                sum = sum.add(shifted.mul(taps.get(head).get(k)));
            }
            heads.add(sum);
        }
        return Tensor.concat(1, heads);
    }

    /** As the mixer applies its matrix to values. */
    private static double appliedDistance(MixingMatrix teacher, DiscreteMamba2 student, Tensor u) {
        double[] weights = student.parameters().get("conv1d.weight").value().toDoubles();
        List<List<Double>> taps = new ArrayList<>();
        for (int head = 0; head < 4; head++) {
            int first = head * 6 * 4;
            taps.add(List.of(weights[first + 3], weights[first + 2], weights[first + 1], weights[first]));
        }
        return distance(teacher.materialize(), convolved(student.matrix(u).materialize(), taps));
    }

    @Test
    void sumsAlongDiagonalsAreThoseOfTheLowerTriangle() {
        Tensor a = random(1, 2, 1, 5, 5);
        Tensor s = random(2, 2, 1, 5, 5);
        double[] as = a.toDoubles();
        double[] ss = s.toDoubles();
        LagSums sums = new LagSums(a, new LagSums.GroupScores(s, 3));
        for (int lag = 0; lag < 5; lag++) {
            double count = 0;
            double product = 0;
            double first = 0;
            double shifted = 0;
            double both = 0;
            for (int batch = 0; batch < 2; batch++) {
                for (int t = lag; t < 5; t++) {
                    int at = batch * 25 + t * 5 + t - lag;
                    count++;
                    first += as[at];
                    product += as[at] * ss[at];
                    shifted += lag < 2 ? 0 : as[at] * ss[at + 2];
                    both += lag < 2 ? 0 : ss[at + 1] * ss[at + 2];
                }
            }
            assertThat(sums.count(lag)).isEqualTo(count);
            assertThat(sums.a(lag)).isCloseTo(first, within(1e-12));
            assertThat(sums.as(lag, 0)).isCloseTo(product, within(1e-12));
            assertThat(sums.as(lag, 2)).isCloseTo(shifted, within(1e-12));
            assertThat(sums.ss(lag, 1, 2)).isCloseTo(both, within(1e-12));
            assertThat(sums.ss(lag, 2, 1)).isCloseTo(both, within(1e-12));
        }
    }

    @ParameterizedTest
    @CsvSource({"4, 16, 0", "4, 6, 0", "2, 16, 0", "1, 16, 0", "4, 16, 0.3", "2, 16, 0.3", "1, 16, 0.3"})
    void matricesOfItsOwnFormAreRecovered(int groups, int stateSize, double convolution) {
        Tensor u = input();
        try (SoftmaxAttention attention = attention();
                DiscreteMamba2 mixer = new DiscreteMamba2.Config(24, 4, groups, stateSize, 4, 8)
                        .create(engine(), new SplittableRandom(3))) {
            mixer.initFrom(attention);
            mixer.prepare(attention, u);
            double[] rates = {0.01, 0.3, 0.05, 1.1};
            Calibratable.Scores scores = mixer.scores(u);
            Tensor c = scores.c().permute(0, 2, 1, 3);
            Tensor own = c.matmul(false, scores.b().permute(0, 2, 1, 3), true);
            Tensor s = own.reshape(2, groups, 1, TIME, TIME)
                    .broadcastTo(Shape.of(2, groups, 4 / groups, TIME, TIME))
                    .reshape(2, 4, TIME, TIME);
            List<List<Double>> taps = Stream.of(1.0, -0.5, 0.6, 2.0)
                    .map(by -> List.of(1 - by * convolution, 0.5 * by * convolution, 0.0, 0.5 * by * convolution))
                    .toList();
            Tensor teacher = convolved(
                    decay(rates)
                            .mul(s.mul(0.7).add(0.2))
                            .tril(0, 0)
                            .add(identity().mul(0.4)),
                    taps);

            List<ScoreFit> fits = Calibration.apply(mixer, attention, u, new DenseMatrix(teacher));

            for (int head = 0; head < 4; head++) {
                ScoreFit fit = fits.get(head);
                assertThat(fit.relativeError()).isLessThan(0.01);
                for (int k = 0; k < 4; k++) {
                    assertThat(fit.taps().get(k)).isCloseTo(taps.get(head).get(k), within(0.1));
                }
                // with taps to choose as well, the other numbers can stand in for each other almost exactly
                if (convolution == 0) {
                    assertThat(fit.rate()).isCloseTo(rates[head], within(0.01 * rates[head]));
                    assertThat(fit.constant()).isCloseTo(0.2, within(2e-3));
                    assertThat(fit.scale()).isCloseTo(0.7, within(2e-3));
                    assertThat(fit.skip()).isCloseTo(0.4, within(5e-3));
                }
            }
            assertThat(appliedDistance(new DenseMatrix(teacher), mixer, u)).isLessThan(0.02);
        }
    }

    @ParameterizedTest
    @CsvSource({"4, 4", "4, 6", "4, 16", "2, 16", "1, 16"})
    void mamba2IsNearerToTheAttentionAfterwards(int groups, int stateSize) {
        Tensor u = input();
        try (SoftmaxAttention attention = attention();
                DiscreteMamba2 mixer = new DiscreteMamba2.Config(24, 4, groups, stateSize, 4, 8)
                        .create(engine(), new SplittableRandom(3))) {
            mixer.initFrom(attention);
            double before = distance(attention.matrix(u), mixer, u);
            List<ScoreFit> fits = Calibration.apply(mixer, attention, u, attention.matrix(u));
            double after = appliedDistance(attention.matrix(u), mixer, u);
            assertThat(after).isLessThan(0.9).isLessThan(before / 2);
            assertThat(after)
                    .isCloseTo(
                            Math.sqrt(fits.stream()
                                            .mapToDouble(fit -> fit.relativeError() * fit.relativeError())
                                            .sum()
                                    / 4),
                            within(0.1));
        }
    }

    /** Stage 1 compares matrices without the values' convolution, so before it there is none, and they are nearer. */
    @Test
    void matricesAloneAreFittedWithoutAConvolution() {
        Tensor u = input();
        try (SoftmaxAttention attention = attention();
                DiscreteMamba2 mixer =
                        new DiscreteMamba2.Config(24, 4, 4, 8, 4, 8).create(engine(), new SplittableRandom(3));
                DiscreteMamba2 convolving =
                        new DiscreteMamba2.Config(24, 4, 4, 8, 4, 8).create(engine(), new SplittableRandom(3))) {
            mixer.initFrom(attention);
            convolving.initFrom(attention);
            double[] identity = mixer.parameters().get("conv1d.weight").value().toDoubles();
            Calibration.apply(mixer, attention, u, attention.matrix(u), Calibration.Fitted.MATRIX);
            Calibration.apply(convolving, attention, u, attention.matrix(u));
            assertThat(mixer.parameters().get("conv1d.weight").value().toDoubles())
                    .isEqualTo(identity);
            assertThat(distance(attention.matrix(u), mixer, u))
                    .isLessThan(distance(attention.matrix(u), convolving, u))
                    .isGreaterThan(appliedDistance(attention.matrix(u), convolving, u));
        }
    }

    /** The copied rows of B and of C have the size of keys and queries times the root of the scale. */
    @Test
    void theScaleIsDividedEquallyBetweenBAndC() {
        Tensor u = input();
        try (SoftmaxAttention attention = attention();
                DiscreteMamba2 mixer =
                        new DiscreteMamba2.Config(24, 4, 4, 8, 4, 8).create(engine(), new SplittableRandom(3))) {
            mixer.initFrom(attention);
            Tensor in = mixer.parameters().get("in_proj.weight").value();
            double[] before = in.narrow(0, 24, 64).toDoubles();
            List<ScoreFit> fits = Calibration.apply(mixer, attention, u, attention.matrix(u));
            double[] after = in.narrow(0, 24, 64).toDoubles();
            for (int head = 0; head < 4; head++) {
                double root = Math.sqrt(Math.abs(fits.get(head).scale()));
                for (int i = head * 8 * 24; i < (head * 8 + 6) * 24; i++) {
                    int c = i + 32 * 24;
                    assertThat(after[i]).isCloseTo(before[i] * root, within(1e-12));
                    assertThat(after[c])
                            .isCloseTo(before[c] * Math.signum(fits.get(head).scale()) * root, within(1e-12));
                }
            }
        }
    }

    /** Keys are shared by two heads each, so that two groups have the keys themselves and the means of two queries. */
    @Test
    void groupsOfSharedKeysHaveTheKeysAndTheMeansOfTheirQueries() {
        try (SoftmaxAttention attention = attention();
                DiscreteMamba2 mixer =
                        new DiscreteMamba2.Config(24, 4, 2, 8, 4, 8).create(engine(), new SplittableRandom(3))) {
            mixer.initFrom(attention);
            Tensor in = mixer.parameters().get("in_proj.weight").value();
            double root = Math.sqrt(attention.scale());
            for (int group = 0; group < 2; group++) {
                double[] key =
                        attention.key().narrow(0, 6L * group, 6).mul(root).toDoubles();
                double[] query = attention
                        .query()
                        .narrow(0, 12L * group, 6)
                        .add(attention.query().narrow(0, 12L * group + 6, 6))
                        .mul(root / 2)
                        .toDoubles();
                assertThat(in.narrow(0, 24 + 8 * group, 6).toDoubles()).containsExactly(key, within(1e-15));
                assertThat(in.narrow(0, 24 + 16 + 8 * group, 6).toDoubles()).containsExactly(query, within(1e-15));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whatIsCopiedOfNormedQueriesHasTheNormsWeights(boolean acrossHeads) {
        try (SoftmaxAttention attention = normed(acrossHeads);
                CausalLinearAttention mixer =
                        new CausalLinearAttention.Config(24, 4, 6, 8).create(engine(), new SplittableRandom(3))) {
            HostArray numbers = HostArray.random(Shape.of(acrossHeads ? 24 : 6), 7);
            double[] norm = numbers.values();
            attention.parameters().get("q_norm.weight").set(numbers.toHostTensor());
            mixer.initFrom(attention);
            double size = Math.sqrt(
                    Arrays.stream(norm).map(w -> (1 + w) * (1 + w)).average().orElseThrow());
            double[] query = attention.query().toDoubles();
            double[] copied = mixer.parameters().get("c_proj.weight").value().toDoubles();
            for (int i = 0; i < copied.length; i++) {
                double weight = 1 + norm[i / 24 % norm.length];
                assertThat(copied[i]).isCloseTo(query[i] * weight / size * Math.sqrt(attention.scale()), within(1e-14));
            }
        }
    }

    @Test
    void aMixerOfOtherHeadsIsLeftAlone() {
        Tensor u = input();
        try (SoftmaxAttention attention = attention();
                DiscreteMamba2 mixer =
                        new DiscreteMamba2.Config(24, 2, 2, 8, 4, 8).create(engine(), new SplittableRandom(3))) {
            mixer.initFrom(attention);
            Map<String, double[]> before = values(mixer);
            assertThat(Calibration.apply(mixer, attention, u, attention.matrix(u)))
                    .isEmpty();
            values(mixer)
                    .forEach((name, numbers) -> assertThat(numbers).as(name).isEqualTo(before.get(name)));
        }
    }

    private static Map<String, double[]> values(MatrixMixer mixer) {
        Map<String, double[]> values = new LinkedHashMap<>();
        mixer.parameters()
                .forEach((name, parameter) -> values.put(name, parameter.value().toDoubles()));
        return values;
    }

    private SoftmaxAttention normed(boolean acrossHeads) {
        SoftmaxAttention.QueryKeyNorm norm = new SoftmaxAttention.QueryKeyNorm(1e-6, true, acrossHeads);
        return new SoftmaxAttention.Config(
                        24, 4, 2, 6, SoftmaxAttention.Biases.NONE, new RotaryConfig(2, 100), Optional.of(norm))
                .create(engine(), new SplittableRandom(2));
    }

    @Test
    void linearAttentionIsNearerToTheAttentionAfterwards() {
        Tensor u = input();
        try (SoftmaxAttention attention = attention();
                CausalLinearAttention mixer =
                        new CausalLinearAttention.Config(24, 4, 8, 8).create(engine(), new SplittableRandom(3))) {
            mixer.initFrom(attention);
            double before = distance(attention.matrix(u), mixer, u);
            Calibration.apply(mixer, attention, u, attention.matrix(u));
            assertThat(distance(attention.matrix(u), mixer, u)).isLessThan(0.95).isLessThan(before / 2);
        }
    }

    @Test
    void aConstantIsFoundAsALinearFunctionOfTheInput() {
        Tensor u = input();
        Tensor found = u.reshape(-1, 24).mul(Calibration.one(u)).sum(1);
        for (double value : found.toDoubles()) {
            assertThat(value).isCloseTo(1, within(0.02));
        }
    }

    /** Its weighted sum is constant, with large weights, and nothing else in it is. */
    @Test
    void theConstantOfALayerNormIsFound() {
        Tensor raw = random(4, 1, 600, 24);
        Tensor centered = raw.sub(raw.mean(-1, true));
        Tensor normed = centered.div(centered.square().mean(-1, true).sqrt());
        Tensor u = normed.mul(random(5, 24).square().add(0.5)).add(random(6, 24).mul(0.05));
        Tensor found = u.reshape(-1, 24).mul(Calibration.one(u)).sum(1);
        for (double value : found.toDoubles()) {
            assertThat(value).isCloseTo(1, within(0.1));
        }
    }

    @Test
    void theMixerHasTheAttentionsBiases() {
        Tensor u = input();
        try (SoftmaxAttention attention = attention();
                DiscreteMamba2 mixer =
                        new DiscreteMamba2.Config(24, 4, 2, 8, 4, 8).create(engine(), new SplittableRandom(3))) {
            mixer.initFrom(attention);
            Calibration.apply(mixer, attention, u, attention.matrix(u));
            Tensor bias = mixer.parameters().get("conv1d.bias").value();
            Tensor ofValues = attention
                    .perHead(attention.valueBias().orElseThrow().reshape(-1, 1))
                    .reshape(-1);
            Tensor given = attention
                    .output()
                    .matmul(false, bias.narrow(0, 0, 24).sub(ofValues).reshape(24, 1), false);
            double[] expected = attention.outputBias().orElseThrow().toDoubles();
            double[] found = given.reshape(-1).toDoubles();
            for (int i = 0; i < 24; i++) {
                assertThat(found[i]).isCloseTo(expected[i], within(0.02));
            }
        }
    }

    /** A constant of all keys adds the same to all scores of a query. */
    @Test
    void theKeysHaveNoMean() {
        Tensor u = input();
        try (SoftmaxAttention attention = attention();
                DiscreteMamba2 mixer =
                        new DiscreteMamba2.Config(24, 4, 4, 8, 4, 8).create(engine(), new SplittableRandom(3))) {
            mixer.initFrom(attention);
            Calibration.apply(mixer, attention, u, attention.matrix(u));
            double[] means =
                    mixer.scores(u).b().reshape(-1, 4 * 8).mean(0, false).toDoubles();
            for (int row = 0; row < means.length; row++) {
                assertThat(means[row]).isCloseTo(row % 8 == 6 ? 1 : 0, within(1e-12));
            }
        }
    }

    private Tensor decay(double[] rates) {
        double[] values = new double[4 * TIME * TIME];
        for (int i = 0; i < values.length; i++) {
            int lag = i / TIME % TIME - i % TIME;
            values[i] = Math.exp(-rates[i / (TIME * TIME)] * Math.max(lag, 0));
        }
        return engine().tensor(values, 1, 4, TIME, TIME);
    }

    private Tensor identity() {
        Tensor lower = engine().full(1, 1, 1, TIME, TIME);
        return lower.tril(0, 0).sub(lower.tril(-1, 0));
    }
}
