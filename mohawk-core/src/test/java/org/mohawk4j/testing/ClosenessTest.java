package org.mohawk4j.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.mohawk4j.tensor.types.Shape;

/** The comparisons that all other tests lean on. */
class ClosenessTest {
    private static final double INFINITY = Double.POSITIVE_INFINITY;

    @Test
    void withinToleranceIsClose() {
        assertThat(Closeness.close(1.05, 1, 0.1)).isTrue();
        assertThat(Closeness.close(0.95, 1, 0.1)).isTrue();
        assertThat(Closeness.close(1.2, 1, 0.1)).isFalse();
        assertThat(Closeness.close(1, 1, 0)).isTrue();
        assertThat(Closeness.close(Math.nextUp(1.0), 1, 0)).isFalse();
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 1, 1e300})
    void nanIsCloseToNothingButNan(double tolerance) {
        assertThat(Closeness.close(Double.NaN, 1, tolerance)).isFalse();
        assertThat(Closeness.close(Double.NaN, INFINITY, tolerance)).isFalse();
        assertThat(Closeness.close(1, Double.NaN, tolerance)).isFalse();
        assertThat(Closeness.close(Double.NaN, Double.NaN, tolerance)).isTrue();
    }

    @Test
    void infinityIsCloseToItselfAlone() {
        assertThat(Closeness.close(INFINITY, INFINITY, 0)).isTrue();
        assertThat(Closeness.close(-INFINITY, INFINITY, 1e300)).isFalse();
        assertThat(Closeness.close(1e308, INFINITY, 1e300)).isFalse();
        assertThat(Closeness.close(INFINITY, 1e308, 1e300)).isFalse();
    }

    @ParameterizedTest
    @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY, -1})
    void aToleranceThatWouldPassAnythingIsRefused(double tolerance) {
        assertThatThrownBy(() -> Closeness.close(1, 1, tolerance)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void relativeErrorIsANormOverANorm() {
        assertThat(Closeness.relativeError(new double[] {3, 4}, new double[] {3, 4}))
                .isZero();
        assertThat(Closeness.relativeError(new double[] {0, 0}, new double[] {3, 4}))
                .isEqualTo(1);
        assertThat(Closeness.relativeError(new double[] {0, 2}, new double[] {0, 0}))
                .isEqualTo(2);
        assertThat(Closeness.relativeError(new double[] {Double.NaN, 4}, new double[] {3, 4}))
                .isInfinite();
        assertThat(Closeness.relativeError(new double[] {INFINITY, 4}, new double[] {INFINITY, 4}))
                .isInfinite();
    }

    @Test
    void oneNanAmongManyFailsTheAssertion() {
        HostArray expected = HostArray.filled(Shape.of(5, 13), 1);
        HostArray tolerance = HostArray.filled(Shape.of(5, 13), 100);
        HostArray actual = HostArray.byIndex(Shape.of(5, 13), i -> i[0] == 3 && i[1] == 7 ? Double.NaN : 1);
        assertThatCode(() -> TensorAssert.assertClose("x", expected, expected, tolerance))
                .doesNotThrowAnyException();
        assertThatThrownBy(() -> TensorAssert.assertClose("x", actual, expected, tolerance))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("1 of 65")
                .hasMessageContaining("[3, 7]");
    }

    @Test
    void theWorstElementIsNamed() {
        HostArray expected = HostArray.of(Shape.of(4), 1, 2, 3, 4);
        HostArray actual = HostArray.of(Shape.of(4), 1.1, 2.5, 3.2, 4);
        assertThatThrownBy(() -> TensorAssert.assertClose("x", actual, expected, HostArray.filled(Shape.of(4), 0.01)))
                .hasMessageContaining("3 of 4")
                .hasMessageContaining("[1]")
                .hasMessageContaining("expected 2.0")
                .hasMessageContaining("got 2.5");
    }

    @Test
    void anotherShapeFailsTheAssertion() {
        HostArray flat = HostArray.filled(Shape.of(6), 1);
        HostArray shaped = HostArray.filled(Shape.of(2, 3), 1);
        assertThatThrownBy(() -> TensorAssert.assertClose("x", flat, shaped, shaped))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("[2, 3]");
    }
}
