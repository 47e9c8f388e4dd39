package org.mohawk4j.train.report;

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.util.List;
import java.util.Locale;

/**
 * Numbers from 0 on as a map of colored cells: a row for each layer, a column for each head or for some positions, with
 * a color bar. The colors end at the largest number. Lighter is larger; what is not a number is gray. A row that is
 * empty stays so.
 */
final class ErrorMap {
    private static final int WIDTH = 720;
    private static final int ROW = 22;
    private static final int WIDEST_CELL = 64;
    private static final int LABELS = 62;
    private static final int HEADER = 20;
    private static final int BAR = 10;
    private static final int BAR_LABELS = 50;
    private static final int GAP = 14;
    private static final int NARROWEST_NUMBER = 36;
    private static final int TEXT_SIZE = 11;
    private static final int GREY = 0xff8c8c8c;

    private final String columnName;
    private final boolean text;

    /** @param columnName what a column is, such as {@code head} */
    ErrorMap(String columnName) {
        this.columnName = columnName;
        this.text = Images.whyNoText().isEmpty();
    }

    /** @param rows of equal length, or empty */
    BufferedImage render(List<List<Double>> rows) {
        int columns = rows.stream().mapToInt(List::size).max().orElse(0);
        if (columns == 0) {
            throw new IllegalArgumentException("rows: expected at least one number");
        }
        double largest = rows.stream()
                .flatMap(List::stream)
                .mapToDouble(Double::doubleValue)
                .filter(Double::isFinite)
                .max()
                .orElse(0);
        Layout layout = new Layout(rows.size(), columns, largest > 0 ? largest : 1);
        BufferedImage image = Images.transparent(layout.width(), HEADER + rows.size() * ROW + GAP);
        Graphics2D graphics = Images.graphics(image);
        graphics.setFont(Images.font(TEXT_SIZE));
        for (int r = 0; r < rows.size(); r++) {
            for (int c = 0; c < rows.get(r).size(); c++) {
                fill(image, layout, r, c, rows.get(r).get(c));
            }
        }
        drawBar(image, layout);
        if (text) {
            graphics.setColor(Images.INK);
            writeLabels(graphics, layout);
            if (layout.cell(1) - layout.cell(0) >= NARROWEST_NUMBER) {
                writeNumbers(graphics, layout, rows);
            }
        }
        graphics.dispose();
        return image;
    }

    /** Where things lie, in units of a pixel at normal resolution. */
    private record Layout(int rows, int columns, double largest) {
        /** The left edge of a column. */
        int cell(int column) {
            int all = Math.min(WIDTH, columns * WIDEST_CELL);
            return LABELS + (int) ((long) all * column / columns);
        }

        int bar() {
            return cell(columns) + GAP;
        }

        int width() {
            return bar() + BAR + BAR_LABELS;
        }
    }

    private static void fill(BufferedImage image, Layout layout, int row, int column, double value) {
        int color = Double.isNaN(value)
                ? GREY
                : 0xff000000 | ColorMap.signed(Math.sqrt(Math.min(1, value / layout.largest())));
        int from = layout.cell(column) * Images.DENSITY;
        int to = Math.max(from + 1, layout.cell(column + 1) * Images.DENSITY);
        for (int y = (HEADER + row * ROW) * Images.DENSITY; y < (HEADER + (row + 1) * ROW - 1) * Images.DENSITY; y++) {
            for (int x = from; x < to; x++) {
                image.setRGB(x, y, color);
            }
        }
    }

    private static void drawBar(BufferedImage image, Layout layout) {
        int height = (layout.rows() * ROW - 1) * Images.DENSITY;
        for (int y = 0; y < height; y++) {
            int color = 0xff000000 | ColorMap.signed(1 - (double) y / Math.max(1, height - 1));
            for (int x = 0; x < BAR * Images.DENSITY; x++) {
                image.setRGB(layout.bar() * Images.DENSITY + x, HEADER * Images.DENSITY + y, color);
            }
        }
    }

    private void writeLabels(Graphics2D graphics, Layout layout) {
        for (int r = 0; r < layout.rows(); r++) {
            graphics.drawString("layer " + r, 2, HEADER + r * ROW + 15);
        }
        int step =
                Math.max(1, layout.columns() * NARROWEST_NUMBER / Math.max(1, layout.cell(layout.columns()) - LABELS));
        graphics.drawString(columnName, 2, HEADER - 6);
        for (int c = 0; c < layout.columns(); c += step) {
            graphics.drawString(String.valueOf(c), layout.cell(c), HEADER - 6);
        }
        int x = layout.bar() + BAR + 5;
        graphics.drawString(Numbers.compact(layout.largest()), x, HEADER + 9);
        graphics.drawString("0", x, HEADER + layout.rows() * ROW - 2);
    }

    private static void writeNumbers(Graphics2D graphics, Layout layout, List<List<Double>> rows) {
        for (int r = 0; r < rows.size(); r++) {
            for (int c = 0; c < rows.get(r).size(); c++) {
                double value = rows.get(r).get(c);
                // dark on the light half of the colors, light on the dark
                graphics.setColor(value > layout.largest() / 4 ? Color.BLACK : Color.WHITE);
                String number = String.format(Locale.ROOT, "%.3f", value);
                graphics.drawString(number, layout.cell(c) + 3, HEADER + r * ROW + 15);
            }
        }
    }
}
