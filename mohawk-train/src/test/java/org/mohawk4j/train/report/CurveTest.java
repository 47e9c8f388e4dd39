package org.mohawk4j.train.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.stream.DoubleStream;
import org.junit.jupiter.api.Test;

class CurveTest {
    @Test
    void fewPointsAreKeptAsTheyAre() {
        Curve curve = new Curve(4);
        curve.add(1, 10);
        curve.add(2, 30);

        assertThat(curve.x()).containsExactly(1, 2);
        assertThat(curve.y()).containsExactly(10, 30);
        assertThat(curve.isExact()).isTrue();
    }

    @Test
    void manyPointsShareAFixedNumberOfPlacesEvenly() {
        Curve curve = new Curve(100);
        int points = 1_000_000;
        for (int i = 0; i < points; i++) {
            curve.add(i, 2.0 * i);
        }

        double[] x = curve.x();
        assertThat(curve.size()).isBetween(50, 100);
        assertThat(curve.isExact()).isFalse();
        assertThat(x).isSorted();
        for (int i = 1; i < x.length - 1; i++) {
            assertThat(x[i] - x[i - 1]).isCloseTo(x[1] - x[0], within(1e-6));
            assertThat(curve.y()[i]).isCloseTo(2 * x[i], within(1e-6));
        }
        assertThat(x[x.length - 1]).isGreaterThan(points * 0.98);
    }

    @Test
    void pointsThatAreNotFiniteAreCountedAndLeftOut() {
        Curve curve = new Curve(4);
        curve.add(1, Double.NaN);
        curve.add(2, 5);
        curve.add(3, Double.POSITIVE_INFINITY);

        assertThat(curve.skipped()).isEqualTo(2);
        assertThat(curve.y()).containsExactly(5);
    }

    @Test
    void smoothingKeepsALineAndCalmsNoise() {
        Curve line = new Curve(100);
        Curve noise = new Curve(100);
        for (int i = 0; i < 100; i++) {
            line.add(i, 3.0 * i);
            noise.add(i, i % 2 == 0 ? 1 : -1);
        }

        assertThat(line.smoothedY(5)).containsExactly(line.y(), within(1e-9));
        assertThat(DoubleStream.of(noise.smoothedY(5)).skip(5).limit(90).map(Math::abs))
                .allMatch(y -> y < 0.1);
        assertThat(noise.smoothedY(0)).containsExactly(noise.y());
    }

    @Test
    void aCapacityThatCannotBeHalvedIsRefused() {
        assertThatThrownBy(() -> new Curve(3)).isInstanceOf(IllegalArgumentException.class);
    }
}
