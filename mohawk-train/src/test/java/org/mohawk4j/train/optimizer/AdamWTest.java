package org.mohawk4j.train.optimizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the optimizer is configured with. */
class AdamWTest {
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        1.0  | 0.9 | 1e-8 | 0    | 1    | AdamW: beta1: expected a number from 0 to below 1, got 1.0
        -0.1 | 0.9 | 1e-8 | 0    | 1    | AdamW: beta1: expected a number from 0 to below 1, got -0.1
        NaN  | 0.9 | 1e-8 | 0    | 1    | AdamW: beta1: expected a number from 0 to below 1, got NaN
        0.9  | 1.5 | 1e-8 | 0    | 1    | AdamW: beta2: expected a number from 0 to below 1, got 1.5
        0.9  | 0.9 | 0    | 0    | 1    | AdamW: epsilon: expected a number above 0, got 0.0
        0.9  | 0.9 | 1e-8 | -0.1 | 1    | AdamW: weight decay: expected a number of at least 0, got -0.1
        0.9  | 0.9 | 1e-8 | 0    | -1   | AdamW: clip norm: expected a number of at least 0, got -1.0
        0.9  | 0.9 | 1e-8 | 0    | NaN  | AdamW: clip norm: expected a number of at least 0, got NaN
        """)
    void numbersOutOfRangeAreNamed(
            double beta1, double beta2, double epsilon, double weightDecay, double clipNorm, String message) {
        assertThatThrownBy(() -> new AdamW.Config(beta1, beta2, epsilon, weightDecay, clipNorm))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(message);
    }

    @Test
    void aConfigurationBeginsWithTheDefaultsOfARun() {
        assertThat(AdamW.Config.defaults()).isEqualTo(new AdamW.Config(0.9, 0.95, 1e-8, 0.1, 1));
        assertThat(AdamW.Config.defaults()
                        .withBetas(0.8, 0.99)
                        .withEpsilon(1e-6)
                        .withWeightDecay(0)
                        .withClipNorm(2))
                .hasToString(
                        "AdamW.Config[beta1=0.8, beta2=0.99, epsilon=1.0E-6, weightDecay=0.0, clipNorm=2.0, groups=[]]");
    }

    @Test
    void theEndsOfTheRangesAreIn() {
        assertThatCode(() -> new AdamW.Config(0, 0, 1e-300, 0, 0)).doesNotThrowAnyException();
    }
}
