package org.mohawk4j.testing;

/** How near numbers are to what they should be. NaN is near nothing but NaN. */
public final class Closeness {
    private Closeness() {}

    /**
     * Whether two numbers differ by no more than the tolerance; infinities and NaN only equal themselves.
     *
     * @param tolerance finite and not negative
     */
    public static boolean close(double actual, double expected, double tolerance) {
        if (!(tolerance >= 0 && tolerance < Double.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException("tolerance " + tolerance);
        }
        if (Double.isNaN(expected)) {
            return Double.isNaN(actual);
        }
        return actual == expected || Math.abs(actual - expected) <= tolerance;
    }

    /**
     * Norm of the difference over norm of the expected, or over 1 if that is zero; infinite if anything is not finite,
     * so that no bound passes.
     */
    public static double relativeError(double[] actual, double[] expected) {
        if (actual.length != expected.length) {
            throw new IllegalArgumentException(actual.length + " numbers against " + expected.length);
        }
        double difference = 0;
        double norm = 0;
        for (int i = 0; i < actual.length; i++) {
            difference += (actual[i] - expected[i]) * (actual[i] - expected[i]);
            norm += expected[i] * expected[i];
        }
        double error = Math.sqrt(difference) / (norm == 0 ? 1 : Math.sqrt(norm));
        return Double.isFinite(error) ? error : Double.POSITIVE_INFINITY;
    }
}
