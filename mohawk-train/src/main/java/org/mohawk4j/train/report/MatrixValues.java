package org.mohawk4j.train.report;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Objects;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.HostTensor;
import org.mohawk4j.tensor.types.HostTensors;
import org.mohawk4j.tensor.types.Shape;

/** The values of a matrix on the host, row by row. Not copied: changing them changes the matrix. */
public final class MatrixValues {
    private final int rows;
    private final int columns;
    private final float[] values;

    /** @param values [rows · columns], row by row */
    public MatrixValues(int rows, int columns, float[] values) {
        if (rows < 1 || columns < 1 || values.length != Math.multiplyExact(rows, columns)) {
            throw new IllegalArgumentException("values: expected " + rows + " × " + columns
                    + " numbers with at least one row and column, got " + values.length);
        }
        this.rows = rows;
        this.columns = columns;
        this.values = values;
    }

    /** The values of a tensor of rank 2. */
    public static MatrixValues of(HostTensor matrix) {
        return new MatrixValues(
                Math.toIntExact(matrix.shape().dim(0)),
                Math.toIntExact(matrix.shape().dim(1)),
                HostTensors.toFloats(matrix));
    }

    /** The values as float32 [rows, columns]. */
    public HostTensor toHost() {
        ByteBuffer bytes = ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(values);
        return new HostTensor(DType.FLOAT32, Shape.of(rows, columns), bytes);
    }

    public int rows() {
        return rows;
    }

    public int columns() {
        return columns;
    }

    /** The value at a row and a column, each from 0. */
    public float get(int row, int column) {
        return values[Objects.checkIndex(row, rows) * columns + Objects.checkIndex(column, columns)];
    }

    /** The largest magnitude of the finite values; 0 if there are none. */
    public double largestMagnitude() {
        float largest = 0;
        for (float value : values) {
            if (Float.isFinite(value)) {
                largest = Math.max(largest, Math.abs(value));
            }
        }
        return largest;
    }

    /** The smallest of the finite values; 0 if there are none. */
    double smallest() {
        float smallest = Float.POSITIVE_INFINITY;
        for (float value : values) {
            if (Float.isFinite(value)) {
                smallest = Math.min(smallest, value);
            }
        }
        return Float.isFinite(smallest) ? smallest : 0;
    }

    /**
     * ‖this − other‖, the Frobenius norm of the difference.
     *
     * @param other of the same shape
     */
    public double distance(MatrixValues other) {
        if (rows != other.rows || columns != other.columns) {
            throw new IllegalArgumentException(
                    "other: expected " + rows + " × " + columns + ", got " + other.rows + " × " + other.columns);
        }
        double sum = 0;
        for (int i = 0; i < values.length; i++) {
            double difference = (double) values[i] - other.values[i];
            sum += difference * difference;
        }
        return Math.sqrt(sum);
    }
}
