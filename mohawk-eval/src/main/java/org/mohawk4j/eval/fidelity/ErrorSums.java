package org.mohawk4j.eval.fidelity;

import java.util.List;
import java.util.stream.IntStream;
import org.mohawk4j.tensor.Tensor;

/** Squared differences and squared magnitudes, summed by row and column over batches: rows are heads, columns positions. */
final class ErrorSums {
    private final int rows;
    private final int columns;
    private final double[] differences;
    private final double[] magnitudes;

    ErrorSums(int rows, int columns) {
        this.rows = rows;
        this.columns = columns;
        this.differences = new double[rows * columns];
        this.magnitudes = new double[rows * columns];
    }

    /**
     * Adds a pair.
     *
     * @param teacher of the student's shape
     * @param axes to sum over, so that rows · columns numbers are left, row by row
     */
    void add(Tensor teacher, Tensor student, int... axes) {
        accumulate(teacher.sub(student).square().sum(axes), differences);
        accumulate(teacher.square().sum(axes), magnitudes);
    }

    private static void accumulate(Tensor sums, double[] into) {
        double[] values = sums.toDoubles();
        for (int i = 0; i < values.length; i++) {
            into[i] += values[i];
        }
    }

    double error() {
        return error(IntStream.range(0, rows * columns));
    }

    List<Double> byRow() {
        return IntStream.range(0, rows)
                .mapToObj(r -> error(IntStream.range(r * columns, (r + 1) * columns)))
                .toList();
    }

    List<Double> byColumn() {
        return IntStream.range(0, columns)
                .mapToObj(c -> error(IntStream.range(0, rows).map(r -> r * columns + c)))
                .toList();
    }

    private double error(IntStream places) {
        double difference = 0;
        double magnitude = 0;
        for (int i : places.toArray()) {
            difference += differences[i];
            magnitude += magnitudes[i];
        }
        return magnitude > 0 ? Math.sqrt(difference / magnitude) : Math.sqrt(difference);
    }
}
