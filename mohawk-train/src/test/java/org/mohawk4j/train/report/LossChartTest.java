package org.mohawk4j.train.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class LossChartTest {
    private final LossChart chart = new LossChart(300, 200);

    private static Curve curve(int points, double first, double last) {
        Curve curve = new Curve(1024);
        for (int i = 0; i < points; i++) {
            curve.add(2048.0 * (i + 1), first + (last - first) * i / Math.max(1, points - 1));
        }
        return curve;
    }

    private static long visible(BufferedImage image) {
        long visible = 0;
        for (int y = 0; y < image.getHeight(); y++) {
            for (int x = 0; x < image.getWidth(); x++) {
                visible += image.getRGB(x, y) >>> 24 != 0 ? 1 : 0;
            }
        }
        return visible;
    }

    @Test
    void aCurveIsDrawnOnATransparentGround() {
        BufferedImage image = chart.loss(curve(100, 8, 4));

        assertThat(image.getWidth()).isEqualTo(600);
        assertThat(image.getHeight()).isEqualTo(400);
        assertThat(image.getRGB(0, 0) >>> 24).isZero();
        assertThat(visible(image)).isGreaterThan(visible(chart.loss(new Curve(2))));
    }

    @Test
    void curvesOfAnyLengthAndLevelAreDrawn() {
        for (int points : new int[] {0, 1, 2, 3, 5000}) {
            assertThat(visible(chart.loss(curve(points, 8, 4)))).isPositive();
        }
        assertThat(visible(chart.loss(curve(50, 3, 3)))).isPositive();
        assertThat(visible(chart.loss(curve(50, 1e6, 1e-6)))).isPositive();
        assertThat(visible(chart.loss(curve(50, 0, -5)))).isPositive();
    }

    @Test
    void layersHaveALineEach() {
        List<Curve> layers = new ArrayList<>();
        for (int layer = 0; layer < 24; layer++) {
            layers.add(curve(50, 10 + layer, 2 + layer));
        }

        List<String> names = IntStream.range(0, 24).mapToObj(i -> "layer " + i).toList();
        assertThat(visible(chart.layerLosses(layers, names)))
                .isGreaterThan(2 * visible(chart.layerLosses(layers.subList(0, 1), names)));
    }

    @Test
    void theLegendNamesTheLayersThatTheLossesAreOf() {
        List<Curve> layers = List.of(curve(50, 10, 2), curve(50, 11, 3), curve(50, 12, 4));

        BufferedImage counted = chart.layerLosses(layers, List.of("layer 0", "layer 1", "layer 2"));
        BufferedImage named = chart.layerLosses(layers, List.of("layer 0", "layer 2", "layer 3"));

        assertThat(pixels(named)).isNotEqualTo(pixels(counted));
    }

    private static int[] pixels(BufferedImage image) {
        return image.getRGB(0, 0, image.getWidth(), image.getHeight(), null, 0, image.getWidth());
    }

    @Test
    void theLegendOfManyLayersNamesAFewFromFirstToLast() {
        List<Integer> named = new ArrayList<>();
        for (int layer = 0; layer < 24; layer++) {
            if (LossChart.isInLegend(layer, 24)) {
                named.add(layer);
            }
        }

        assertThat(named).hasSize(6).startsWith(0).endsWith(23);
        assertThat(LossChart.isInLegend(3, 4)).isTrue();
    }

    @Test
    void theAxisIsLogarithmicForLossesThatFallFar() {
        assertThat(LossChart.isLogarithmic(List.of(curve(10, 8, 4)))).isFalse();
        assertThat(LossChart.isLogarithmic(List.of(curve(10, 100, 1)))).isTrue();
        assertThat(LossChart.isLogarithmic(List.of(curve(10, 100, 0)))).isFalse();
        assertThat(LossChart.isLogarithmic(List.of(new Curve(2)))).isFalse();
    }
}
