package org.mohawk4j.op;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Gradients;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tape;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;
import org.mohawk4j.testing.HostArray;

/** Decay in float32 against float64, over sequences so long that its running sum has lost digits. */
class DecayPrecisionTest {
    /** Half a place of the largest exponents that count, of 8 to 16, is 5e-7. */
    private static final double TOLERANCE = 1e-6;

    private final Engine single = open(DType.FLOAT32);
    private final Engine twice = open(DType.FLOAT64);

    private static Engine open(DType type) {
        return Engine.open("nd4j", BackendOptions.defaults().withParameterType(type));
    }

    @AfterEach
    void close() {
        single.close();
        twice.close();
    }

    /** Mean 0.7, as softplus of 0 is. */
    private static HostArray decay(long time) {
        return HostArray.random(Shape.of(1, time, 1), 5).map(v -> (float) (-0.7 - 0.6 * v));
    }

    private static double worst(double[] actual, double[] expected, double least) {
        double worst = 0;
        for (int i = 0; i < actual.length; i++) {
            if (Math.abs(expected[i]) > least) {
                worst = Math.max(worst, Math.abs(actual[i] - expected[i]) / Math.abs(expected[i]));
            } else {
                assertThat(Math.abs(actual[i])).isLessThanOrEqualTo(2 * least);
            }
        }
        return worst;
    }

    private static double[] matrix(Engine engine, HostArray decay) {
        try (Scope scope = engine.scope()) {
            Tensor logDecay = engine.tensor(decay.toHostTensor(), engine.parameterType());
            return scope.adopt(SemiseparableFunction.decayMatrix(logDecay.permute(0, 2, 1)))
                    .toDoubles();
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {2, 65, 512, 2048})
    void eachEntryHasTheDigitsOfItsOwnSum(long time) {
        HostArray decay = decay(time);
        double error = worst(matrix(single, decay), matrix(twice, decay), 1e-6);
        assertThat(error).isLessThan(TOLERANCE);
    }

    private static double[] gradient(Engine engine, HostArray decay) {
        try (Scope scope = engine.scope()) {
            Tensor logDecay = engine.tensor(decay.toHostTensor(), engine.parameterType());
            long time = decay.shape().dim(1);
            Tensor seed = engine.tensor(
                    HostArray.random(Shape.of(1, 1, time, time), 6)
                            .map(v -> (float) (2 + v))
                            .toHostTensor(),
                    engine.parameterType());
            try (Tape tape = engine.tape(List.of(logDecay))) {
                Tensor matrix = SemiseparableFunction.decayMatrix(logDecay.permute(0, 2, 1));
                Gradients gradients = tape.gradients(matrix, seed);
                return scope.adopt(gradients.of(logDecay).orElseThrow()).toDoubles();
            }
        }
    }

    @Test
    void eachGradientHasTheDigitsOfItsOwnSum() {
        HostArray decay = decay(1024);
        double error = worst(gradient(single, decay), gradient(twice, decay), 1e-3);
        assertThat(error).isLessThan(TOLERANCE);
    }

    /** Ways to the same product, in a single block of all of T where they have blocks. */
    private enum Way {
        MATRIX(TOLERANCE),
        CHUNKED(TOLERANCE),
        /** Sums up in float32 within its blocks, which it keeps short. */
        KERNEL(2e-5);

        private final double tolerance;

        Way(double tolerance) {
            this.tolerance = tolerance;
        }

        SemiseparableFunction.Result apply(SemiseparableFunction.Inputs in, int time) {
            return switch (this) {
                case MATRIX -> SemiseparableFunction.reference(in);
                case CHUNKED -> SemiseparableFunction.chunked(in, time);
                case KERNEL -> SemiseparableFunction.apply(in, time);
            };
        }
    }

    private static List<double[]> product(Engine engine, int time, Way way) {
        try (Scope scope = engine.scope()) {
            Tensor positive = engine.tensor(
                    HostArray.random(Shape.of(1, time, 1, 3), 7)
                            .map(v -> (float) (2 + v))
                            .toHostTensor(),
                    engine.parameterType());
            Tensor logDecay = engine.tensor(decay(time).toHostTensor(), engine.parameterType());
            SemiseparableFunction.Result result = way.apply(
                    new SemiseparableFunction.Inputs(
                            positive, positive, positive, logDecay, Optional.of(engine.full(1, 1, 1, 3, 3))),
                    time);
            return List.of(
                    scope.adopt(result.y()).toDoubles(),
                    scope.adopt(result.state()).toDoubles());
        }
    }

    @ParameterizedTest
    @EnumSource
    void productsAndStatesHaveTheirDigits(Way way) {
        List<double[]> actual = product(single, 1024, way);
        List<double[]> expected = product(twice, 1024, way);
        for (int i = 0; i < 2; i++) {
            assertThat(worst(actual.get(i), expected.get(i), 1e-3)).isLessThan(way.tolerance);
        }
    }

    @Test
    void theMatrixIsAllThatIsLeftOfItsComputation() {
        Tensor logDecay = single.full(-0.5, 1, 1, 300);
        single.scoped(() -> SemiseparableFunction.decayMatrix(logDecay)); // the backend keeps its mask
        long before = single.backend().memory().liveBytes();
        try (Scope scope = single.scope()) {
            Tensor matrix = scope.adopt(SemiseparableFunction.decayMatrix(logDecay));
            long small = 10 * 300 * Double.BYTES;
            assertThat(single.backend().memory().liveBytes() - before)
                    .isLessThan(matrix.shape().size() * Float.BYTES + small);
        }
    }
}
