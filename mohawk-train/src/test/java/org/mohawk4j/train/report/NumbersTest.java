package org.mohawk4j.train.report;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NumbersTest {
    @ParameterizedTest
    @CsvSource({
        "0, 0",
        "41.6512, 41.65",
        "3.5, 3.5",
        "250, 250",
        "9999, 9999",
        "12000, 12k",
        "1500000, 1.5M",
        "2760000000, 2.76B",
        "-0.0125, -0.0125",
        "0.00001234, 1.2e-05",
        "NaN, –",
        "Infinity, –",
    })
    void compactNumbersHaveFourDigitsAtMost(double value, String text) {
        assertThat(Numbers.compact(value)).isEqualTo(text);
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0.0 s",
        "12.34, 12.3 s",
        "59.97, 1 min 00 s",
        "245, 4 min 05 s",
        "3599.7, 1 h 00 min",
        "11220, 3 h 07 min",
        "356400, 4 d 03 h",
        "NaN, –",
    })
    void durationsHaveTheirTwoLargestUnits(double seconds, String text) {
        assertThat(Numbers.duration(seconds)).isEqualTo(text);
    }
}
