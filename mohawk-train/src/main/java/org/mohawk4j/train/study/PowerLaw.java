package org.mohawk4j.train.study;

import java.util.List;
import java.util.function.DoubleUnaryOperator;
import org.apache.commons.math3.optim.MaxEval;
import org.apache.commons.math3.optim.nonlinear.scalar.GoalType;
import org.apache.commons.math3.optim.univariate.BrentOptimizer;
import org.apache.commons.math3.optim.univariate.SearchInterval;
import org.apache.commons.math3.optim.univariate.UnivariateObjectiveFunction;

/**
 * Curves {@code y = constant + scale · x^(-exponent)} fitted together: one constant for all, a scale and an exponent for
 * each, by least squares. With constant and exponent given, the best scale follows in closed form; exponent and constant are
 * found by searching a grid and then between its points.
 *
 * @param constant what more tokens cannot improve
 * @param curves in the order in which their points were given
 * @param error the root of the mean squared residual
 */
record PowerLaw(double constant, List<Curve> curves, double error) {
    private static final double SMALLEST_EXPONENT = 0.05;
    private static final double LARGEST_EXPONENT = 2;
    private static final int GRID = 100;
    private static final double TOLERANCE = 1e-12;

    /** Measurements of one curve: x, above 0, and y. */
    record Points(List<Double> x, List<Double> y) {}

    /** @param scale at least 0 */
    record Curve(double scale, double exponent) {
        private double above(double x) {
            return scale * Math.pow(x, -exponent);
        }
    }

    PowerLaw {
        curves = List.copyOf(curves);
    }

    double at(int curve, double x) {
        return constant + curves.get(curve).above(x);
    }

    /** Fits curves of at least two points each. */
    static PowerLaw fit(List<Points> all) {
        double least = all.stream()
                .flatMap(points -> points.y().stream())
                .mapToDouble(Double::doubleValue)
                .min()
                .orElse(0);
        // what is measured never lies below what more tokens cannot improve, and losses are not negative
        double constant = minimum(value -> squares(all, value), 0, Math.max(0, least));
        int count = all.stream().mapToInt(points -> points.x().size()).sum();
        return new PowerLaw(
                constant,
                all.stream().map(points -> curve(points, constant)).toList(),
                Math.sqrt(squares(all, constant) / count));
    }

    private static double squares(List<Points> all, double constant) {
        return all.stream()
                .mapToDouble(points -> squares(points, constant, curve(points, constant)))
                .sum();
    }

    private static double squares(Points points, double constant, Curve curve) {
        double sum = 0;
        for (int i = 0; i < points.x().size(); i++) {
            double residual =
                    points.y().get(i) - constant - curve.above(points.x().get(i));
            sum += residual * residual;
        }
        return sum;
    }

    private static Curve curve(Points points, double constant) {
        double exponent = minimum(
                value -> squares(points, constant, curve(points, constant, value)),
                SMALLEST_EXPONENT,
                LARGEST_EXPONENT);
        return curve(points, constant, exponent);
    }

    private static Curve curve(Points points, double constant, double exponent) {
        double numerator = 0;
        double denominator = 0;
        for (int i = 0; i < points.x().size(); i++) {
            double feature = Math.pow(points.x().get(i), -exponent);
            numerator += feature * (points.y().get(i) - constant);
            denominator += feature * feature;
        }
        return new Curve(Math.max(0, numerator / denominator), exponent);
    }

    /** Where a function is least: the best point of a grid, then Brent's method between its neighbors. */
    private static double minimum(DoubleUnaryOperator function, double from, double to) {
        double step = (to - from) / GRID;
        double best = from;
        double least = Double.POSITIVE_INFINITY;
        for (int i = 0; i <= GRID; i++) {
            double x = from + i * step;
            double value = function.applyAsDouble(x);
            if (value < least) {
                least = value;
                best = x;
            }
        }
        SearchInterval neighbors = new SearchInterval(Math.max(from, best - step), Math.min(to, best + step), best);
        return new BrentOptimizer(TOLERANCE, TOLERANCE)
                .optimize(
                        MaxEval.unlimited(),
                        GoalType.MINIMIZE,
                        new UnivariateObjectiveFunction(function::applyAsDouble),
                        neighbors)
                .getPoint();
    }
}
