package org.mohawk4j.train.study;

import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/**
 * The mean and the standard deviation of repeated measurements.
 *
 * @param deviation of a sample, with n − 1 in the denominator; 0 for a single number
 * @param count n
 */
public record Spread(double mean, double deviation, int count) {
    /** Of at least one number. */
    public static Spread of(Collection<Double> numbers) {
        if (numbers.isEmpty()) {
            throw new IllegalArgumentException("spread: expected at least one number, got none");
        }
        double mean = numbers.stream().mapToDouble(Double::doubleValue).sum() / numbers.size();
        double squares =
                numbers.stream().mapToDouble(x -> (x - mean) * (x - mean)).sum();
        double deviation = numbers.size() == 1 ? 0 : Math.sqrt(squares / (numbers.size() - 1));
        return new Spread(mean, deviation, numbers.size());
    }

    /** Of one value of several results. */
    public static Spread of(List<Result> results, String value) {
        return of(results.stream().map(result -> result.value(value)).toList());
    }

    /** One part of each of several spreads. */
    static double[] each(List<Spread> spreads, ToDoubleFunction<Spread> part) {
        return spreads.stream().mapToDouble(part).toArray();
    }

    /** Such as {@code 4.1234 ± 0.0123}; without a deviation where there is one number. */
    @Override
    public String toString() {
        return count == 1
                ? String.format(Locale.ROOT, "%.4f", mean)
                : String.format(Locale.ROOT, "%.4f ± %.4f", mean, deviation);
    }
}
