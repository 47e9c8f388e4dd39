package org.mohawk4j.train.report;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.AxesChartStyler;
import org.knowm.xchart.style.Styler;
import org.knowm.xchart.style.XYStyler;
import org.knowm.xchart.style.markers.SeriesMarkers;

/**
 * Loss curves as images, over the tokens trained on. The background is transparent and the colors read on light and on
 * dark. Needs a Java that can draw text.
 */
public final class LossChart {
    /** Beyond this ratio of largest to smallest, a curve says more on a logarithmic axis. */
    private static final double LOGARITHMIC_FROM = 30;
    /** The share of a curve's places that its smoothed line reaches over on each side. */
    private static final double SMOOTHING = 0.02;

    private static final int MOST_IN_LEGEND = 6;
    private static final Color CLEAR = new Color(0, 0, 0, 0);
    private static final Color GRID = new Color(0x7b, 0x82, 0x8c, 0x38);

    private final int width;
    private final int height;

    /** Images of this size, in pixels of a screen of normal resolution; they have twice as many each way. */
    public LossChart(int width, int height) {
        this.width = width;
        this.height = height;
    }

    /** One loss: its points, faint, and a smoothed line where there are enough of them. */
    public BufferedImage loss(Curve loss) {
        Unit unit = unit(List.of(loss));
        XYChart chart = chart(List.of(loss), unit, "loss");
        Color color = new Color(ColorMap.line(0));
        boolean smooth = reach(loss) > 0;
        if (smooth) {
            Color faint = new Color(color.getRed(), color.getGreen(), color.getBlue(), 90);
            line(chart, loss.isExact() ? "each step" : "mean of steps", unit.of(loss), loss.y(), faint, 1.0f);
        }
        if (loss.size() > 0) {
            line(chart, "smoothed", unit.of(loss), smoothed(loss), color, 2.2f).setShowInLegend(smooth);
        }
        return paint(chart);
    }

    /**
     * A smoothed line for each layer, colored by its depth.
     *
     * @param names of the layers, for the legend
     */
    public BufferedImage layerLosses(List<Curve> layers, List<String> names) {
        Unit unit = unit(layers);
        XYChart chart = chart(layers, unit, "loss of each layer");
        for (int layer = 0; layer < layers.size(); layer++) {
            Curve curve = layers.get(layer);
            if (curve.size() > 0) {
                Color color = new Color(ColorMap.line(layer / Math.max(1.0, layers.size() - 1.0)));
                line(chart, names.get(layer), unit.of(curve), smoothed(curve), color, 1.8f)
                        .setShowInLegend(isInLegend(layer, layers.size()));
            }
        }
        return paint(chart);
    }

    static boolean isInLegend(int layer, int layers) {
        if (layers <= MOST_IN_LEGEND) {
            return true;
        }
        for (int i = 0; i < MOST_IN_LEGEND; i++) {
            if (Math.round(i * (layers - 1.0) / (MOST_IN_LEGEND - 1)) == layer) {
                return true;
            }
        }
        return false;
    }

    private static int reach(Curve curve) {
        return (int) Math.round(curve.size() * SMOOTHING);
    }

    private static double[] smoothed(Curve curve) {
        return curve.smoothedY(reach(curve));
    }

    private static XYSeries line(XYChart chart, String name, double[] x, double[] y, Color color, float thickness) {
        XYSeries series = chart.addSeries(name, x, y);
        series.setMarker(SeriesMarkers.NONE);
        series.setLineColor(color);
        series.setLineStyle(new BasicStroke(thickness, BasicStroke.CAP_ROUND, BasicStroke.JOIN_ROUND));
        return series;
    }

    private record Unit(double tokens, String title) {
        double[] of(Curve curve) {
            return Arrays.stream(curve.x()).map(x -> x / tokens).toArray();
        }
    }

    /** Keeps the numbers along the axis short. */
    private static Unit unit(List<Curve> curves) {
        double most = curves.stream()
                .flatMapToDouble(curve -> Arrays.stream(curve.x()))
                .max()
                .orElse(0);
        if (most >= 3e9) {
            return new Unit(1e9, "billion tokens");
        }
        if (most >= 3e6) {
            return new Unit(1e6, "million tokens");
        }
        return most >= 3e3 ? new Unit(1e3, "thousand tokens") : new Unit(1, "tokens");
    }

    private XYChart chart(List<Curve> curves, Unit unit, String yTitle) {
        XYChart chart = new XYChartBuilder()
                .width(width)
                .height(height)
                .xAxisTitle(unit.title())
                .yAxisTitle(yTitle)
                .theme(Styler.ChartTheme.XChart)
                .build();
        XYStyler styler = chart.getStyler();
        style(styler);
        styler.setYAxisLogarithmic(isLogarithmic(curves));
        addOrigin(chart, curves, unit);
        return chart;
    }

    /** What all charts of reports look like. */
    static void style(AxesChartStyler styler) {
        styler.setChartTitleVisible(false)
                .setChartBackgroundColor(CLEAR)
                .setPlotBackgroundColor(CLEAR)
                .setPlotBorderVisible(false)
                .setChartFontColor(Images.INK)
                .setChartPadding(6)
                .setBaseFont(Images.font(11))
                .setLegendFont(Images.font(11))
                .setLegendBackgroundColor(CLEAR)
                .setLegendBorderColor(CLEAR)
                .setLegendPosition(Styler.LegendPosition.InsideNE)
                .setLegendSeriesLineLength(16)
                .setLegendPadding(4)
                .setLocale(Locale.ROOT)
                .setPlotContentSize(0.97);
        styler.setAxisTickLabelsFont(Images.font(10))
                .setAxisTitleFont(Images.font(11))
                .setAxisTickLabelsColor(Images.INK)
                .setAxisTickMarksColor(GRID)
                .setAxisTicksLineVisible(false)
                .setPlotGridLinesColor(GRID)
                .setPlotGridLinesStroke(new BasicStroke(1))
                .setPlotGridVerticalLinesVisible(false)
                .setPlotMargin(2)
                .setXAxisTickMarkSpacingHint(80)
                .setYAxisTickMarkSpacingHint(40);
        styler.setXAxisTitleColor(Images.INK).setYAxisTitleColor(Images.INK);
        // without a pattern XChart writes .002 beside -0.002
        styler.setYAxisDecimalPattern("#,##0.######");
    }

    static boolean isLogarithmic(List<Curve> curves) {
        double smallest = Double.POSITIVE_INFINITY;
        double largest = 0;
        for (Curve curve : curves) {
            for (double y : curve.y()) {
                smallest = Math.min(smallest, y);
                largest = Math.max(largest, y);
            }
        }
        return smallest > 0 && largest >= LOGARITHMIC_FROM * smallest && smallest < Double.POSITIVE_INFINITY;
    }

    /**
     * An invisible line from zero. Given evenly spaced points alone, XChart puts its ticks on these points, at 4.096 and
     * 8.192; given one between them, at round numbers.
     */
    private static void addOrigin(XYChart chart, List<Curve> curves, Unit unit) {
        for (Curve curve : curves) {
            if (curve.size() > 0) {
                double[] x = unit.of(curve);
                double between = x[x.length - 1] * Math.sqrt(0.5);
                double level = curve.y()[0];
                line(chart, "origin", new double[] {0, between}, new double[] {level, level}, CLEAR, 0)
                        .setShowInLegend(false);
                return;
            }
        }
    }

    private BufferedImage paint(XYChart chart) {
        BufferedImage image = Images.transparent(width, height);
        Graphics2D graphics = Images.graphics(image);
        chart.paint(graphics, width, height);
        graphics.dispose();
        return image;
    }
}
