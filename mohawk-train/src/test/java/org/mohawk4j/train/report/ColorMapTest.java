package org.mohawk4j.train.report;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ColorMapTest {
    /** CIE L*, a measure of lightness other than the one that the colors are made by. */
    private static double lightness(int rgb) {
        double luminance =
                0.2126 * linear(rgb >> 16 & 255) + 0.7152 * linear(rgb >> 8 & 255) + 0.0722 * linear(rgb & 255);
        return 116 * Math.cbrt(Math.max(luminance, 0.008856)) - 16;
    }

    private static double linear(int channel) {
        double encoded = channel / 255.0;
        return encoded <= 0.04045 ? encoded / 12.92 : Math.pow((encoded + 0.055) / 1.055, 2.4);
    }

    @Test
    void lightnessGrowsInNearlyEqualStepsOnBothSidesOfZero() {
        for (int sign : new int[] {-1, 1}) {
            double before = lightness(ColorMap.signed(sign * 0.1));
            for (int tenths = 2; tenths <= 10; tenths++) {
                double now = lightness(ColorMap.signed(sign * tenths / 10.0));
                assertThat(now - before).isBetween(6.0, 14.0);
                before = now;
            }
        }
    }

    @Test
    void theSignIsAQuestionOfHue() {
        int positive = ColorMap.signed(0.6);
        int negative = ColorMap.signed(-0.6);

        assertThat(positive >> 16 & 255).isGreaterThan(positive & 255);
        assertThat(negative & 255).isGreaterThan(negative >> 16 & 255);
    }

    @Test
    void zeroIsDarkAndTheEndsAreLight() {
        assertThat(lightness(ColorMap.signed(0))).isLessThan(8);
        assertThat(lightness(ColorMap.signed(1))).isGreaterThan(93);
        assertThat(ColorMap.signed(5)).isEqualTo(ColorMap.signed(1));
        assertThat(ColorMap.signed(-5)).isEqualTo(ColorMap.signed(-1));
    }

    @Test
    void knownColorsOfOklchAreMet() {
        assertThat(ColorMap.oklch(1, 0, 0)).isEqualTo(0xffffff);
        assertThat(ColorMap.oklch(0, 0, 0)).isEqualTo(0x000000);
        assertThat(ColorMap.oklch(0.6279554, 0.2576833, 29.2338812)).isEqualTo(0xff0000);
    }

    @Test
    void linesStandOutFromWhiteAndFromBlack() {
        for (double position = 0; position <= 1; position += 0.1) {
            assertThat(lightness(ColorMap.line(position))).isBetween(45.0, 75.0);
        }
    }
}
