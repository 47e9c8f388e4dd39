package org.mohawk4j.op;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import java.util.stream.DoubleStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.backend.Backends;
import org.mohawk4j.tensor.Engine;

/** Clipping by global norm in float32, as far as the scale itself is a normal number. */
class ClipScaleTest {
    /** As PyTorch's clip_grad_norm_. */
    private static final double ADDED = 1e-6;

    private static double scale(double norm, double limit) {
        try (Engine engine = Engine.open(Backends.AUTO, BackendOptions.defaults())) {
            return AdamWFunction.clipScale(engine.full(norm), limit).item();
        }
    }

    static DoubleStream norms() {
        return DoubleStream.concat(
                DoubleStream.of(1, 1 + 1e-6, 1.0001, 1.5, 3.7),
                DoubleStream.iterate(1.7, norm -> norm < 1e35, norm -> norm * 10));
    }

    @ParameterizedTest
    @MethodSource("norms")
    void aLongGradientEndsAtTheLimit(double norm) {
        for (double limit : new double[] {1, 0.5, 1e-3}) {
            assertThat(scale(norm, limit)).isCloseTo(limit / (norm + ADDED), withinPercentage(1e-4));
        }
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 1e-38, 1e-7, 0.3, 0.99999})
    void aShortGradientIsNotTouched(double norm) {
        assertThat(scale(norm, 1)).isEqualTo(1);
        assertThat(scale(norm, 250)).isEqualTo(1);
    }

    @Test
    void anInfiniteNormGivesNothing() {
        assertThat(scale(Double.POSITIVE_INFINITY, 1)).isZero();
    }

    @Test
    void aNormThatIsNotANumberStaysOne() {
        assertThat(scale(Double.NaN, 1)).isNaN();
    }
}
