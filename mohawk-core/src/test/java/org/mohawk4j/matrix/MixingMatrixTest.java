package org.mohawk4j.matrix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.mohawk4j.tensor.Gradients;
import org.mohawk4j.tensor.Tape;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.Shape;
import org.mohawk4j.testing.Float64Test;
import org.mohawk4j.testing.GradientCheck;
import org.mohawk4j.testing.HostArray;
import org.mohawk4j.testing.TensorAssert;

/** Each kind of matrix multiplies as what it materializes to, and is what it says. */
class MixingMatrixTest extends Float64Test {
    private static final double TOLERANCE = 1e-10;

    private Tensor decay(long... shape) {
        return tensor(HostArray.random(Shape.of(shape), 9).map(v -> -0.6 - 0.5 * v));
    }

    private void assertMultiplies(MixingMatrix matrix, long time) {
        Tensor x = random(8, 2, time, 4, 3);
        Tensor dense = matrix.materialize();
        assertThat(dense.shape()).isEqualTo(Shape.of(2, 4, time, time));
        TensorAssert.assertRelative("M X", matrix.multiply(x), new DenseMatrix(dense).multiply(x), TOLERANCE);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 4, 7, 13})
    void everyKindMultipliesAsItMaterialises(long time) {
        assertMultiplies(new SoftmaxMatrix(random(1, 2, time, 4, 5), random(2, 2, time, 4, 5), 0.6), time);
        assertMultiplies(new LowRankMatrix(random(1, 2, time, 4, 5), random(2, 2, time, 4, 5), 4), time);
        assertMultiplies(new ToeplitzMatrix(random(1, 4, time), 2, 4), time);
        assertMultiplies(new DenseMatrix(random(1, 2, 4, time, time)), time);
        assertMultiplies(
                new StateSpaceMatrix(random(1, 2, time, 4, 5, 5), random(2, 2, time, 4, 5), random(3, 2, time, 4, 5)),
                time);
        for (long groups : new long[] {1, 2, 4}) {
            Tensor c = random(1, 2, time, groups, 5);
            Tensor b = random(2, 2, time, groups, 5);
            assertMultiplies(new SemiseparableMatrix(c, b, decay(2, time, 4), Optional.empty(), 4), time);
            assertMultiplies(new SemiseparableMatrix(c, b, decay(2, time, 4), Optional.of(random(3, 4)), 4), time);
        }
    }

    @Test
    void aSoftmaxMatrixHasRowsThatSumToOne() {
        Tensor matrix = new SoftmaxMatrix(random(1, 2, 7, 4, 5), random(2, 2, 7, 2, 5), 0.6).materialize();
        TensorAssert.assertRelative("row sums", matrix.sum(-1), engine().full(1, 2, 4, 7), 1e-14);
    }

    @Test
    void aToeplitzMatrixHasItsCoefficientsByLag() {
        Tensor matrix = new ToeplitzMatrix(engine().tensor(new double[] {5, 6, 7}, 1, 3), 1, 2).materialize();
        assertThat(matrix.toDoubles()).containsExactly(5, 0, 0, 6, 5, 0, 7, 6, 5);
    }

    @Test
    void aStateSpaceMatrixWithScalarTransitionsIsSemiseparable() {
        Tensor c = random(1, 2, 7, 4, 5);
        Tensor b = random(2, 2, 7, 4, 5);
        Tensor logDecay = decay(2, 7, 4);
        Tensor lower = engine().full(1, 5, 5).tril(0, 0);
        Tensor identity = lower.sub(lower.tril(-1, 0)).reshape(1, 1, 1, 5, 5);
        Tensor transitions = logDecay.exp().reshape(2, 7, 4, 1, 1).mul(identity);
        TensorAssert.assertRelative(
                "matrix",
                new StateSpaceMatrix(transitions, b, c).materialize(),
                new SemiseparableMatrix(c, b, logDecay, Optional.empty(), 4).materialize(),
                TOLERANCE);
    }

    @Test
    void aSemiseparableMatrixDecaysAndSkips() {
        Tensor two = engine().full(2, 1, 3, 1, 1);
        Tensor half = engine().full(Math.log(0.5), 1, 3, 1);
        Tensor matrix = new SemiseparableMatrix(two, two, half, Optional.of(engine().full(10, 1)), 2).materialize();
        TensorAssert.assertRelative(
                "matrix", matrix, engine().tensor(new double[] {14, 0, 0, 2, 14, 0, 1, 2, 14}, 1, 1, 3, 3), 1e-14);
    }

    @Test
    void theFrobeniusDistanceIsTheMeanNormOverBatchAndHeads() {
        double[] teacher = {3, 0, 4, 0, 0, 0, 0, 0};
        Tensor target = engine().tensor(teacher, 1, 2, 2, 2);
        Tensor student = engine().tensor(new double[] {0, 0, 0, 0, 0, 0, 12, 0}, 1, 2, 2, 2);
        Tensor distance = FrobeniusDistance.between(engine(), new DenseMatrix(target), new DenseMatrix(student));
        assertThat(distance.shape()).isEqualTo(Shape.of());
        assertThat(distance.item()).isCloseTo((5 + 12) / 2.0, within(1e-12));
    }

    @Test
    void noGradientReachesTheTeachersMatrix() {
        Tensor teacher = random(1, 1, 2, 3, 3);
        Tensor student = random(2, 1, 2, 3, 3);
        try (Tape tape = engine().tape(List.of(teacher, student))) {
            Gradients gradients = tape.gradients(
                    FrobeniusDistance.between(engine(), new DenseMatrix(teacher), new DenseMatrix(student)));
            assertThat(gradients.of(teacher)).isEmpty();
            assertThat(gradients.of(student)).isPresent();
        }
    }

    @Test
    void theGradientOfAPerfectMatchIsZero() {
        Tensor same = random(1, 1, 2, 3, 3);
        try (Tape tape = engine().tape(List.of(same))) {
            Tensor distance =
                    FrobeniusDistance.between(engine(), new DenseMatrix(same.detach()), new DenseMatrix(same));
            assertThat(distance.item()).isZero();
            assertThat(tape.gradients(distance).of(same).orElseThrow().toDoubles())
                    .containsOnly(0);
        }
    }

    @Test
    void gradientsOfTheFrobeniusDistanceAgreeWithDifferences() {
        HostArray q = HostArray.random(Shape.of(2, 5, 4, 3), 5);
        new GradientCheck(engine())
                .function(
                        "Frobenius distance",
                        x -> FrobeniusDistance.between(
                                engine(),
                                new SoftmaxMatrix(tensor(q), tensor(q), 0.6),
                                new SemiseparableMatrix(x.get(0), x.get(1), x.get(2), Optional.of(x.get(3)), 2)),
                        HostArray.random(Shape.of(2, 5, 2, 3), 6),
                        HostArray.random(Shape.of(2, 5, 2, 3), 7),
                        HostArray.random(Shape.of(2, 5, 4), 8).map(v -> -0.6 - 0.5 * v),
                        HostArray.random(Shape.of(4), 9));
    }

    @Test
    void matricesOfDifferentShapesAreNamed() {
        assertThatThrownBy(() -> FrobeniusDistance.between(
                        engine(),
                        new DenseMatrix(engine().zeros(1, 2, 3, 3)),
                        new DenseMatrix(engine().zeros(1, 4, 3, 3))))
                .hasMessageContaining("[1, 2, 3, 3]")
                .hasMessageContaining("[1, 4, 3, 3]");
    }
}
