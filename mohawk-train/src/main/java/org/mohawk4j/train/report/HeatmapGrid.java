package org.mohawk4j.train.report;

import java.awt.FontMetrics;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * The matrices of a layer side by side: a column for each head, a row for the teacher and for each state of the student,
 * all in the colors of one scale, which ends at the teacher's largest magnitude. Under each matrix of the student stands
 * its Frobenius distance to the teacher's, if both have as many heads. The background is transparent and the text reads on
 * light and on dark. A Java that cannot draw text draws the matrices alone.
 */
public final class HeatmapGrid {
    private static final int GAP = 14;
    private static final int HEADER = 22;
    private static final int CAPTION = 16;
    private static final int BAR_WIDTH = 10;
    private static final int BAR_LABELS = 44;
    private static final int TITLE_WIDTH = 84;
    private static final int TEXT_SIZE = 11;
    private static final int LINE = 15;
    /** Share of the scale below which a negative value is not worth a negative half of the color bar. */
    private static final double NEGLIGIBLE = 1e-3;

    private final int cell;
    private final boolean text;

    /** @param cell the largest side of a matrix, in pixels of a screen of normal resolution; images have twice as many */
    public HeatmapGrid(int cell) {
        this(cell, Images.whyNoText().isEmpty());
    }

    HeatmapGrid(int cell, boolean text) {
        if (cell < 1) {
            throw new IllegalArgumentException("cell: expected at least 1, got " + cell);
        }
        this.cell = cell;
        this.text = text;
    }

    /** The image of a layer. */
    public BufferedImage render(LayerMatrices layer) {
        List<MatrixValues> teacher = layer.rows().get(0).heads();
        double largest = teacher.stream()
                .mapToDouble(MatrixValues::largestMagnitude)
                .max()
                .orElse(0);
        Heatmap heatmap = new Heatmap(largest > 0 ? largest : 1);
        Layout layout = new Layout(heatmap.render(teacher.get(0), cell * Images.DENSITY), layer, text);

        BufferedImage image = Images.transparent(layout.width(), layout.height());
        for (int r = 0; r < layer.rows().size(); r++) {
            List<MatrixValues> heads = layer.rows().get(r).heads();
            for (int h = 0; h < heads.size(); h++) {
                copy(heatmap.render(heads.get(h), cell * Images.DENSITY), image, layout.x(h), layout.y(r));
            }
        }
        double lowest = lowestShare(layer, heatmap);
        drawBar(image, layout, lowest);
        if (text) {
            Graphics2D graphics = Images.graphics(image);
            graphics.setColor(Images.INK);
            graphics.setFont(Images.font(TEXT_SIZE));
            writeTitles(graphics, layout, layer);
            writeDistances(graphics, layout, layer);
            writeBarLabels(graphics, layout, heatmap, lowest);
            graphics.dispose();
        }
        return image;
    }

    /** Where things lie, in units of a pixel at normal resolution. */
    private record Layout(int titles, int cellWidth, int cellHeight, int heads, int rows, boolean text) {
        Layout(BufferedImage first, LayerMatrices layer, boolean text) {
            this(
                    text ? TITLE_WIDTH + GAP : 0,
                    (first.getWidth() + Images.DENSITY - 1) / Images.DENSITY,
                    (first.getHeight() + Images.DENSITY - 1) / Images.DENSITY,
                    layer.heads(),
                    layer.rows().size(),
                    text);
        }

        int x(int head) {
            return titles + head * (cellWidth + GAP);
        }

        int y(int row) {
            return (text ? HEADER : 0) + row * (cellHeight + GAP + (text ? CAPTION : 0));
        }

        int width() {
            return x(heads) + BAR_WIDTH + (text ? BAR_LABELS : 0);
        }

        int height() {
            return y(rows);
        }
    }

    private static void copy(BufferedImage matrix, BufferedImage image, int x, int y) {
        int[] line = new int[matrix.getWidth()];
        for (int r = 0; r < matrix.getHeight(); r++) {
            matrix.getRGB(0, r, line.length, 1, line, 0, line.length);
            image.setRGB(x * Images.DENSITY, y * Images.DENSITY + r, line.length, 1, line, 0, line.length);
        }
    }

    private static double lowestShare(LayerMatrices layer, Heatmap heatmap) {
        double smallest = layer.rows().stream()
                .flatMap(row -> row.heads().stream())
                .mapToDouble(MatrixValues::smallest)
                .min()
                .orElse(0);
        return smallest < -NEGLIGIBLE * heatmap.largest() ? -1 : 0;
    }

    private static void drawBar(BufferedImage image, Layout layout, double lowest) {
        int height = layout.cellHeight() * Images.DENSITY;
        for (int y = 0; y < height; y++) {
            int color = 0xff000000 | ColorMap.signed(1 - (1 - lowest) * y / Math.max(1, height - 1));
            for (int x = 0; x < BAR_WIDTH * Images.DENSITY; x++) {
                image.setRGB(layout.x(layout.heads()) * Images.DENSITY + x, layout.y(0) * Images.DENSITY + y, color);
            }
        }
    }

    private static void writeBarLabels(Graphics2D graphics, Layout layout, Heatmap heatmap, double lowest) {
        double[] shares = lowest < 0 ? new double[] {-1, -0.03, 0.03, 1} : new double[] {0.01, 0.1, 1};
        for (double share : shares) {
            double position = Math.copySign(Heatmap.position(Math.abs(share)), share);
            long y = layout.y(0) + Math.round((1 - position) / (1 - lowest) * layout.cellHeight());
            String label = String.format(Locale.ROOT, "%.2g", share * heatmap.largest());
            graphics.drawString(shorten(label), layout.x(layout.heads()) + BAR_WIDTH + 5, (int) y + 4);
        }
    }

    private static String shorten(String number) {
        return number.contains("e") || !number.contains(".") ? number : number.replaceFirst("\\.?0+$", "");
    }

    private static void writeTitles(Graphics2D graphics, Layout layout, LayerMatrices layer) {
        FontMetrics metrics = graphics.getFontMetrics();
        for (int h = 0; h < layer.heads(); h++) {
            writeCentered(graphics, "head " + h, layout.x(h) + layout.cellWidth() / 2, HEADER - 8);
        }
        for (int r = 0; r < layer.rows().size(); r++) {
            List<String> lines = wrap(layer.rows().get(r).title(), metrics);
            int y = layout.y(r) + layout.cellHeight() / 2 - (lines.size() - 1) * LINE / 2 + 4;
            for (String line : lines) {
                graphics.drawString(line, TITLE_WIDTH - metrics.stringWidth(line), y);
                y += LINE;
            }
        }
    }

    private static List<String> wrap(String title, FontMetrics metrics) {
        List<String> lines = new ArrayList<>();
        String line = "";
        for (String word : title.split(" ", -1)) {
            String longer = line.isEmpty() ? word : line + " " + word;
            if (!line.isEmpty() && metrics.stringWidth(longer) > TITLE_WIDTH) {
                lines.add(line);
                longer = word;
            }
            line = longer;
        }
        lines.add(line);
        return lines;
    }

    private static void writeDistances(Graphics2D graphics, Layout layout, LayerMatrices layer) {
        List<MatrixValues> teacher = layer.rows().get(0).heads();
        for (int r = 1; r < layer.rows().size(); r++) {
            LayerMatrices.Row row = layer.rows().get(r);
            for (int h = 0; layer.isComparable(row) && h < teacher.size(); h++) {
                double distance = row.heads().get(h).distance(teacher.get(h));
                String caption = String.format(Locale.ROOT, "distance %.2f", distance);
                int middle = layout.x(h) + layout.cellWidth() / 2;
                writeCentered(graphics, caption, middle, layout.y(r) + layout.cellHeight() + CAPTION - 1);
            }
        }
    }

    private static void writeCentered(Graphics2D graphics, String line, int middle, int y) {
        graphics.drawString(line, middle - graphics.getFontMetrics().stringWidth(line) / 2, y);
    }
}
