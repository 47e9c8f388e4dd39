package org.mohawk4j.train.report;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.util.DoubleSummaryStatistics;
import java.util.List;
import java.util.Optional;
import java.util.stream.DoubleStream;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.internal.chartpart.Chart;
import org.knowm.xchart.style.CategoryStyler;
import org.knowm.xchart.style.Styler;
import org.knowm.xchart.style.markers.SeriesMarkers;

/**
 * Measured points with error bars, as an image in the style of reports.
 *
 * @param caption below the image
 * @param categories of the x axis of a bar chart; empty: x is a number, and points of a series are joined by a line
 * @param logarithmic whether a numeric x axis is
 */
public record Plot(
        String caption,
        String xTitle,
        String yTitle,
        List<String> categories,
        boolean logarithmic,
        List<Series> series) {
    private static final int WIDTH = 640;
    private static final int HEIGHT = 360;

    /**
     * One line, or the bars of one color.
     *
     * @param x of each point; without use in a bar chart
     * @param y of each point, a mean
     * @param error of each point, a standard deviation; 0 draws none
     * @param measured whether these are points, with marks; otherwise a fitted curve
     */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    public record Series(String name, double[] x, double[] y, double[] error, boolean measured) {}

    /** Copies the lists. */
    public Plot {
        categories = List.copyOf(categories);
        series = List.copyOf(series);
    }

    /** Lines over numbers. */
    public static Plot lines(String caption, String xTitle, String yTitle, boolean logarithmic, List<Series> series) {
        return new Plot(caption, xTitle, yTitle, List.of(), logarithmic, series);
    }

    /** Bars over names. */
    public static Plot bars(String caption, String yTitle, List<String> categories, List<Series> series) {
        return new Plot(caption, "", yTitle, categories, false, series);
    }

    /** Why this Java cannot draw a plot, if it cannot. */
    public static Optional<String> whyNone() {
        return Images.whyNoText();
    }

    /** The plot, on a transparent background. */
    public BufferedImage draw() {
        Chart<?, ?> chart = categories.isEmpty() ? lines() : bars();
        BufferedImage image = Images.transparent(WIDTH, HEIGHT);
        Graphics2D graphics = Images.graphics(image);
        chart.paint(graphics, WIDTH, HEIGHT);
        graphics.dispose();
        return image;
    }

    private Color color(int index) {
        return new Color(ColorMap.line(series.size() == 1 ? 0 : (double) index / (series.size() - 1)));
    }

    private XYChart lines() {
        XYChart chart = new XYChartBuilder()
                .width(WIDTH)
                .height(HEIGHT)
                .xAxisTitle(xTitle)
                .yAxisTitle(yTitle)
                .build();
        LossChart.style(chart.getStyler());
        chart.getStyler().setErrorBarsColor(Images.INK);
        if (logarithmic) {
            // XChart has ticks at powers of ten alone, of which there may be none
            chart.setCustomXAxisTickLabelsFormatter(exponent -> Numbers.compact(rounded(Math.pow(10, exponent))));
        }
        chart.getStyler().setLegendPosition(Styler.LegendPosition.OutsideE);
        DoubleSummaryStatistics y =
                series.stream().flatMapToDouble(own -> DoubleStream.of(own.y())).summaryStatistics();
        if (y.getMin() == y.getMax()) {
            // XChart has no scale for equal values
            chart.getStyler().setYAxisMin(Math.min(0, y.getMin())).setYAxisMax(Math.max(1, y.getMax()));
        }
        for (int i = 0; i < series.size(); i++) {
            Series own = series.get(i);
            XYSeries line = own.measured()
                    ? chart.addSeries(own.name(), shown(own.x()), own.y(), own.error())
                    : chart.addSeries(own.name(), shown(own.x()), own.y());
            float[] dashes = own.measured() ? null : new float[] {4, 4};
            line.setMarker(own.measured() ? SeriesMarkers.CIRCLE : SeriesMarkers.NONE);
            line.setMarkerColor(color(i));
            line.setLineColor(color(i));
            line.setLineStyle(new BasicStroke(1.8f, BasicStroke.CAP_ROUND, BasicStroke.JOIN_ROUND, 10, dashes, 0));
        }
        return chart;
    }

    private double[] shown(double[] x) {
        return logarithmic ? DoubleStream.of(x).map(Math::log10).toArray() : x;
    }

    /** Two digits. */
    private static double rounded(double value) {
        double unit = Math.pow(10, Math.floor(Math.log10(value)) - 1);
        return Math.round(value / unit) * unit;
    }

    private CategoryChart bars() {
        CategoryChart chart = new CategoryChartBuilder()
                .width(WIDTH)
                .height(HEIGHT)
                .xAxisTitle(xTitle)
                .yAxisTitle(yTitle)
                .build();
        CategoryStyler styler = chart.getStyler();
        LossChart.style(styler);
        styler.setErrorBarsColor(Images.INK)
                .setXAxisLabelRotation(categories.size() > 4 ? 30 : 0)
                .setLegendPosition(Styler.LegendPosition.OutsideE);
        double least = smallest();
        styler.setYAxisMin(least);
        for (int i = 0; i < series.size(); i++) {
            Series own = series.get(i);
            chart.addSeries(
                            own.name(),
                            categories,
                            DoubleStream.of(own.y()).boxed().toList(),
                            DoubleStream.of(own.error()).boxed().toList())
                    .setFillColor(color(i));
        }
        return chart;
    }

    /** Where bars begin: a little below the shortest, since what counts are differences. */
    private double smallest() {
        double least = Double.POSITIVE_INFINITY;
        double most = Double.NEGATIVE_INFINITY;
        for (Series own : series) {
            for (int i = 0; i < own.y().length; i++) {
                least = Math.min(least, own.y()[i] - own.error()[i]);
                most = Math.max(most, own.y()[i] + own.error()[i]);
            }
        }
        double margin = 0.15 * (most - least);
        return least >= 0 ? Math.max(0, least - margin) : least - margin;
    }
}
