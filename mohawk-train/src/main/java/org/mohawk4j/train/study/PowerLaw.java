package org.mohawk4j.train.study;

import java.util.ArrayList;
import java.util.List;

/**
 * Curves {@code y = constant + scale · x^(-exponent)} fitted together: one constant and one exponent for all, a scale for
 * each. The exponent is the best of a grid; for each of its values the rest is a linear least-squares problem.
 *
 * @param constant what more tokens cannot improve
 * @param scales one for each curve, at least 0
 * @param error the root of the mean squared residual
 */
record PowerLaw(double constant, double exponent, List<Double> scales, double error) {
    private static final double SMALLEST_EXPONENT = 0.05;
    private static final double LARGEST_EXPONENT = 2;
    private static final double STEP = 0.01;

    /**
     * The points of one curve.
     *
     * @param x above 0
     */
    record Curve(List<Double> x, List<Double> y) {}

    PowerLaw {
        scales = List.copyOf(scales);
    }

    double at(int curve, double x) {
        return constant + scales.get(curve) * Math.pow(x, -exponent);
    }

    /** Fits curves of at least two points each. */
    static PowerLaw fit(List<Curve> curves) {
        PowerLaw best = fit(curves, SMALLEST_EXPONENT);
        for (double exponent = SMALLEST_EXPONENT + STEP; exponent <= LARGEST_EXPONENT; exponent += STEP) {
            PowerLaw other = fit(curves, exponent);
            if (other.error() < best.error()) {
                best = other;
            }
        }
        return best;
    }

    /**
     * With the exponent given, the best scale of each curve is linear in the constant: {@code scale = (Σ f y - constant Σ f)
     * / Σ f²} with f = x^(-exponent).
     */
    private static PowerLaw fit(List<Curve> curves, double exponent) {
        double numerator = 0;
        double denominator = 0;
        for (Curve curve : curves) {
            Sums sums = Sums.of(curve, exponent);
            numerator += sums.y - sums.f * sums.fy / sums.ff;
            denominator += sums.count - sums.f * sums.f / sums.ff;
        }
        double least = curves.stream()
                .flatMap(curve -> curve.y().stream())
                .mapToDouble(Double::doubleValue)
                .min()
                .orElse(0);
        // what is measured never lies below what more tokens cannot improve, and losses are not negative
        double constant = Math.min(least, Math.max(0, denominator > 0 ? numerator / denominator : 0));
        List<Double> scales = new ArrayList<>();
        double squares = 0;
        int count = 0;
        for (Curve curve : curves) {
            Sums sums = Sums.of(curve, exponent);
            double scale = Math.max(0, (sums.fy - constant * sums.f) / sums.ff);
            scales.add(scale);
            for (int i = 0; i < curve.x().size(); i++) {
                double residual =
                        curve.y().get(i) - constant - scale * Math.pow(curve.x().get(i), -exponent);
                squares += residual * residual;
                count++;
            }
        }
        return new PowerLaw(constant, exponent, scales, Math.sqrt(squares / count));
    }

    private record Sums(double f, double ff, double y, double fy, int count) {
        static Sums of(Curve curve, double exponent) {
            double f = 0;
            double ff = 0;
            double y = 0;
            double fy = 0;
            for (int i = 0; i < curve.x().size(); i++) {
                double feature = Math.pow(curve.x().get(i), -exponent);
                f += feature;
                ff += feature * feature;
                y += curve.y().get(i);
                fy += feature * curve.y().get(i);
            }
            return new Sums(f, ff, y, fy, curve.x().size());
        }
    }
}
