package org.mohawk4j.train.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;

class HeatmapTest {
    private static int color(double position) {
        return 0xff000000 | ColorMap.signed(position);
    }

    @Test
    void aSmallMatrixIsEnlargedByAWholeFactorWithRowZeroAtTheTop() {
        MatrixValues matrix = new MatrixValues(2, 3, new float[] {1, 0, 0, 0, 0, -1});

        BufferedImage image = new Heatmap(1).render(matrix, 10);

        assertThat(image.getWidth()).isEqualTo(9);
        assertThat(image.getHeight()).isEqualTo(6);
        assertThat(image.getRGB(0, 0)).isEqualTo(color(1));
        assertThat(image.getRGB(2, 2)).isEqualTo(color(1));
        assertThat(image.getRGB(3, 0)).isEqualTo(color(0));
        assertThat(image.getRGB(8, 5)).isEqualTo(color(-1));
        assertThat(image.getRGB(8, 2)).isEqualTo(color(0));
    }

    @Test
    void aLargeMatrixKeepsItsThinLines() {
        int n = 1000;
        float[] values = new float[n * n];
        for (int i = 0; i < n; i++) {
            values[i * n + i] = -0.5f;
        }

        BufferedImage image = new Heatmap(0.5).render(new MatrixValues(n, n, values), 128);

        assertThat(image.getWidth()).isEqualTo(125);
        for (int i = 0; i < 125; i++) {
            assertThat(image.getRGB(i, i)).isEqualTo(color(-1));
        }
        assertThat(image.getRGB(0, 124)).isEqualTo(color(0));
    }

    @Test
    void whatIsNotANumberIsGrayAndWhatIsBeyondTakesTheLastColor() {
        MatrixValues matrix =
                new MatrixValues(1, 4, new float[] {Float.NaN, Float.POSITIVE_INFINITY, -7, Float.NEGATIVE_INFINITY});

        BufferedImage image = new Heatmap(1).render(matrix, 4);

        int gray = image.getRGB(0, 0);
        assertThat(gray >> 16 & 255).isEqualTo(gray & 255).isEqualTo(gray >> 8 & 255);
        assertThat(image.getRGB(1, 0)).isEqualTo(color(1));
        assertThat(image.getRGB(2, 0)).isEqualTo(color(-1));
        assertThat(image.getRGB(3, 0)).isEqualTo(color(-1));
    }

    @Test
    void notANumberIsSeenInAReducedMatrix() {
        float[] values = new float[64 * 64];
        values[64 * 64 - 1] = Float.NaN;

        BufferedImage image = new Heatmap(1).render(new MatrixValues(64, 64, values), 8);

        assertThat(image.getRGB(7, 7)).isNotEqualTo(image.getRGB(0, 0));
    }

    @Test
    void magnitudesOfThreeDecadesAreToldApart() {
        assertThat(Heatmap.position(0)).isZero();
        assertThat(Heatmap.position(1)).isEqualTo(1);
        assertThat(Heatmap.position(0.01)).isCloseTo(1 / 3.0, within(1e-12));
        assertThat(Heatmap.position(1e-5)).isZero();
    }

    @Test
    void survivesPng() throws IOException {
        BufferedImage image = new Heatmap(1).render(new MatrixValues(1, 2, new float[] {0.5f, -0.5f}), 2);

        BufferedImage read = ImageIO.read(new ByteArrayInputStream(Images.png(image)));

        assertThat(read.getRGB(0, 0)).isEqualTo(image.getRGB(0, 0));
        assertThat(read.getRGB(1, 0)).isEqualTo(image.getRGB(1, 0));
    }

    @Test
    void aMatrixKnowsItsShapeAndDistance() {
        MatrixValues zero = new MatrixValues(2, 2, new float[4]);
        MatrixValues other = new MatrixValues(2, 2, new float[] {3, 0, 0, -4});

        assertThat(zero.distance(other)).isEqualTo(5);
        assertThat(other.largestMagnitude()).isEqualTo(4);
        assertThatThrownBy(() -> new MatrixValues(2, 3, new float[4]))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("expected 2 × 3");
        assertThatThrownBy(() -> zero.distance(new MatrixValues(1, 4, new float[4])))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
