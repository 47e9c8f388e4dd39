package org.mohawk4j.train.study;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;

class PowerLawTest {
    private static final List<Double> X = List.of(1e4, 2e4, 4e4, 8e4, 1.6e5);

    private static PowerLaw.Points curve(double constant, double scale, double exponent) {
        return new PowerLaw.Points(
                X,
                X.stream().map(x -> constant + scale * Math.pow(x, -exponent)).toList());
    }

    @Test
    void curvesOfOneConstantAreRecovered() {
        PowerLaw law = PowerLaw.fit(List.of(curve(3.7, 90, 0.45), curve(3.7, 40, 0.6)));
        assertThat(law.constant()).isCloseTo(3.7, within(1e-6));
        assertThat(law.curves().get(0).exponent()).isCloseTo(0.45, within(1e-5));
        assertThat(law.curves().get(0).scale()).isCloseTo(90, within(1e-2));
        assertThat(law.curves().get(1).exponent()).isCloseTo(0.6, within(1e-5));
        assertThat(law.curves().get(1).scale()).isCloseTo(40, within(1e-2));
        assertThat(law.at(1, 3.2e5)).isCloseTo(3.7 + 40 * Math.pow(3.2e5, -0.6), within(1e-6));
    }

    /** A budget that helps while tokens are few falls behind later: curves of one exponent could not cross. */
    @Test
    void curvesMayCross() {
        PowerLaw law = PowerLaw.fit(List.of(curve(3.3, 60, 0.5), curve(3.3, 15, 0.38)));
        assertThat(law.at(0, 1e4)).isGreaterThan(law.at(1, 1e4));
        assertThat(law.at(0, 3.2e5)).isLessThan(law.at(1, 3.2e5));
    }

    @Test
    void lossesThatRiseHaveNoScaleBelowZero() {
        PowerLaw law = PowerLaw.fit(List.of(new PowerLaw.Points(List.of(1.0, 2.0, 4.0), List.of(1.0, 2.0, 3.0))));
        assertThat(law.curves().get(0).scale()).isNotNegative();
        assertThat(law.constant()).isBetween(0.0, 1.0);
    }
}
