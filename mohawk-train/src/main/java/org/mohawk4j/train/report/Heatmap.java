package org.mohawk4j.train.report;

import java.awt.image.BufferedImage;
import java.awt.image.DataBuffer;
import java.awt.image.IndexColorModel;

/**
 * Matrices as images, row 0 at the top. Magnitudes are shown by lightness, as the logarithm over three decades, below
 * which they count as zero; the sign by hue: see {@link ColorMap}. A value that is not a number is gray.
 *
 * @param largest the magnitude that has the last color; larger ones have it too
 */
public record Heatmap(double largest) {
    private static final double DECADES = 3;

    /** Palette entries on each side of zero; the last entry is for what is not a number. */
    private static final int STEPS = 127;

    private static final int NOT_A_NUMBER = 2 * STEPS + 1;
    private static final int GREY = 0x8c8c8c;

    /** Checks the range. */
    public Heatmap {
        if (!(largest > 0 && largest < Double.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException("largest: expected a number above 0, got " + largest);
        }
    }

    /**
     * The image of a matrix. A matrix with more rows or columns than {@code side} is reduced: a pixel shows the value of
     * the largest magnitude in its place, so that thin lines stay visible. A smaller one is enlarged by a whole factor.
     *
     * @param side the longest side in pixels; exactly so where the sizes divide, else a little less
     */
    public BufferedImage render(MatrixValues matrix, int side) {
        int longest = Math.max(matrix.rows(), matrix.columns());
        int enlarge = Math.max(1, side / longest);
        int reduce = (longest + side - 1) / side;
        int width = (matrix.columns() + reduce - 1) / reduce * enlarge;
        int height = (matrix.rows() + reduce - 1) / reduce * enlarge;
        BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_BYTE_INDEXED, palette());
        byte[] line = new byte[width];
        for (int y = 0; y < height; y++) {
            if (y % enlarge == 0) {
                for (int x = 0; x < width; x++) {
                    line[x] = (byte) index(pick(matrix, y / enlarge * reduce, x / enlarge * reduce, reduce));
                }
            }
            image.getRaster().setDataElements(0, y, width, 1, line);
        }
        return image;
    }

    private static float pick(MatrixValues matrix, int row, int column, int reduce) {
        float picked = matrix.get(row, column);
        for (int r = row; r < Math.min(row + reduce, matrix.rows()); r++) {
            for (int c = column; c < Math.min(column + reduce, matrix.columns()); c++) {
                float value = matrix.get(r, c);
                if (Float.isNaN(value) || Math.abs(value) > Math.abs(picked)) {
                    picked = value;
                }
                if (Float.isNaN(picked)) {
                    return picked;
                }
            }
        }
        return picked;
    }

    private int index(float value) {
        if (Float.isNaN(value)) {
            return NOT_A_NUMBER;
        }
        double position = position(Math.min(1, Math.abs((double) value) / largest));
        return STEPS + (int) Math.round(Math.copySign(position, value) * STEPS);
    }

    /** How far along the colors a magnitude lies, from 0 to 1, for its share of the largest one. */
    static double position(double share) {
        return share <= 0 ? 0 : Math.max(0, 1 + Math.log10(share) / DECADES);
    }

    private static IndexColorModel palette() {
        int[] colors = new int[NOT_A_NUMBER + 1];
        for (int i = -STEPS; i <= STEPS; i++) {
            colors[i + STEPS] = ColorMap.signed((double) i / STEPS);
        }
        colors[NOT_A_NUMBER] = GREY;
        return new IndexColorModel(8, colors.length, colors, 0, false, -1, DataBuffer.TYPE_BYTE);
    }
}
