package org.mohawk4j.train.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.image.BufferedImage;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

class HeatmapGridTest {
    private static MatrixValues filled(float value) {
        float[] values = new float[16];
        Arrays.fill(values, value);
        return new MatrixValues(4, 4, values);
    }

    private static LayerMatrices layer(float teacher, float before, float after) {
        return new LayerMatrices(
                0,
                List.of(
                        new LayerMatrices.Row("teacher", Collections.nCopies(2, filled(teacher))),
                        new LayerMatrices.Row("student before stage 1", Collections.nCopies(2, filled(before))),
                        new LayerMatrices.Row("student after stage 1", Collections.nCopies(2, filled(after)))));
    }

    @Test
    void allCellsShareTheScaleOfTheTeacher() {
        BufferedImage image = new HeatmapGrid(40, false).render(layer(0.5f, 0.25f, 3));

        assertThat(image.getRGB(10, 10)).isEqualTo(0xff000000 | ColorMap.signed(1));
        assertThat(image.getRGB(10, 2 * 54 + 10))
                .isEqualTo(0xff000000 | ColorMap.signed(Math.round(127 * Heatmap.position(0.5)) / 127.0));
        assertThat(image.getRGB(10, 4 * 54 + 10)).isEqualTo(0xff000000 | ColorMap.signed(1));
        assertThat(image.getRGB(2 * 54 + 10, 10)).isEqualTo(0xff000000 | ColorMap.signed(1));
    }

    @Test
    void theSpaceBetweenIsTransparent() {
        BufferedImage image = new HeatmapGrid(40, false).render(layer(1, 1, 1));

        assertThat(image.getRGB(2 * 40 + 10, 10) >>> 24).isZero();
    }

    @Test
    void textTakesItsOwnSpaceWhereItCanBeDrawn() {
        BufferedImage without = new HeatmapGrid(40, false).render(layer(1, 1, 1));
        BufferedImage with = new HeatmapGrid(40, true).render(layer(1, -1, 1));

        assertThat(with.getWidth()).isGreaterThan(without.getWidth());
        assertThat(with.getHeight()).isGreaterThan(without.getHeight());
        int inked = 0;
        for (int y = 0; y < with.getHeight(); y++) {
            inked += with.getRGB(2 * 40, y) >>> 24 != 0 ? 1 : 0;
        }
        assertThat(inked).as("pixels of row titles").isPositive();
    }

    @Test
    void aTeacherOfZerosIsShown() {
        BufferedImage image = new HeatmapGrid(4, false).render(layer(0, 0, 0));

        assertThat(image.getRGB(0, 0)).isEqualTo(0xff000000 | ColorMap.signed(0));
    }

    @Test
    void rowsOfOtherHeadCountsAreDrawnWithoutDistances() {
        LayerMatrices.Row two = new LayerMatrices.Row("teacher", Collections.nCopies(2, filled(1)));
        for (int heads : new int[] {1, 2, 3}) {
            LayerMatrices.Row row = new LayerMatrices.Row("student", Collections.nCopies(heads, filled(1)));
            LayerMatrices layer = new LayerMatrices(0, List.of(two, row));

            BufferedImage image = new HeatmapGrid(40, true).render(layer);

            assertThat(layer.heads()).isEqualTo(Math.max(2, heads));
            assertThat(layer.isComparable(row)).isEqualTo(heads == 2);
            int drawn = 0;
            for (int x = 0; x < image.getWidth(); x++) {
                drawn += image.getRGB(x, 2 * (22 + 40 + 14 + 16) + 10) == (0xff000000 | ColorMap.signed(1)) ? 1 : 0;
            }
            assertThat(drawn).as("%d heads", heads).isEqualTo(heads * 2 * 40);
        }
    }

    @Test
    void someHeadsOfManyAreNotTakenForThoseOfFew() {
        LayerMatrices.Row teacher = new LayerMatrices.Row("teacher", Collections.nCopies(2, filled(1)), 32);
        LayerMatrices.Row student = new LayerMatrices.Row("student", Collections.nCopies(2, filled(1)), 16);

        assertThat(new LayerMatrices(0, List.of(teacher, student)).isComparable(student))
                .isFalse();
    }

    @Test
    void rowsThatCannotBeShownTogetherAreRefused() {
        LayerMatrices.Row two = new LayerMatrices.Row("teacher", Collections.nCopies(2, filled(1)));
        LayerMatrices.Row other =
                new LayerMatrices.Row("student", Collections.nCopies(2, new MatrixValues(1, 1, new float[1])));

        assertThatThrownBy(() -> new LayerMatrices(0, List.of(two, other)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("row student: expected matrices of 4 × 4, got 1 × 1");
        assertThatThrownBy(() -> new LayerMatrices(0, List.of())).isInstanceOf(IllegalArgumentException.class);
    }
}
