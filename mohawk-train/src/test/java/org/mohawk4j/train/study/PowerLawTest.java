package org.mohawk4j.train.study;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;

class PowerLawTest {
    private static final List<Double> X = List.of(1e4, 2e4, 4e4, 8e4, 1.6e5);

    private static PowerLaw.Curve curve(double constant, double scale, double exponent) {
        return new PowerLaw.Curve(
                X,
                X.stream().map(x -> constant + scale * Math.pow(x, -exponent)).toList());
    }

    @Test
    void curvesOfOneConstantAndExponentAreRecovered() {
        PowerLaw law = PowerLaw.fit(List.of(curve(3.7, 90, 0.45), curve(3.7, 40, 0.45)));
        assertThat(law.constant()).isCloseTo(3.7, within(1e-6));
        assertThat(law.exponent()).isCloseTo(0.45, within(1e-9));
        assertThat(law.scales().get(0)).isCloseTo(90, within(1e-3));
        assertThat(law.scales().get(1)).isCloseTo(40, within(1e-3));
        assertThat(law.at(1, 3.2e5)).isCloseTo(3.7 + 40 * Math.pow(3.2e5, -0.45), within(1e-6));
    }

    @Test
    void lossesThatRiseHaveNoScaleBelowZero() {
        PowerLaw law = PowerLaw.fit(List.of(new PowerLaw.Curve(List.of(1.0, 2.0, 4.0), List.of(1.0, 2.0, 3.0))));
        assertThat(law.scales().get(0)).isNotNegative();
        assertThat(law.constant()).isBetween(0.0, 1.0);
    }
}
