package org.mohawk4j.testing;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.SplittableRandom;
import java.util.function.DoubleUnaryOperator;
import java.util.function.ToDoubleFunction;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.HostTensor;
import org.mohawk4j.tensor.types.HostTensors;
import org.mohawk4j.tensor.types.Shape;

/** Numbers on the host in double, row-major. */
public final class HostArray {
    private final Shape shape;
    private final double[] values;

    private HostArray(Shape shape, double[] values) {
        if (values.length != shape.size()) {
            throw new IllegalArgumentException(values.length + " values for shape " + shape);
        }
        this.shape = shape;
        this.values = values;
    }

    public static HostArray of(Shape shape, double... values) {
        return new HostArray(shape, values.clone());
    }

    /** Each element from its index. */
    public static HostArray byIndex(Shape shape, ToDoubleFunction<long[]> element) {
        double[] values = new double[Math.toIntExact(shape.size())];
        long[] index = new long[shape.rank()];
        for (int i = 0; i < values.length; i++) {
            values[i] = element.applyAsDouble(index);
            advance(index, shape);
        }
        return new HostArray(shape, values);
    }

    public static HostArray filled(Shape shape, double value) {
        return byIndex(shape, index -> value);
    }

    /** Uniform in -1..1, the same for the same seed. */
    public static HostArray random(Shape shape, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        return byIndex(shape, index -> 2 * random.nextDouble() - 1);
    }

    /** Whole numbers in 0..limit-1, the same for the same seed. */
    public static HostArray randomIndices(Shape shape, int limit, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        return byIndex(shape, index -> random.nextInt(limit));
    }

    /** Numbers of any type, widened. */
    public static HostArray of(HostTensor source) {
        double[] values = new double[Math.toIntExact(source.shape().size())];
        HostTensors.convert(source, DType.FLOAT64).data().asDoubleBuffer().get(values);
        return new HostArray(source.shape(), values);
    }

    public HostTensor toHostTensor() {
        ByteBuffer bytes = ByteBuffer.allocate(Math.multiplyExact(values.length, Double.BYTES))
                .order(ByteOrder.LITTLE_ENDIAN);
        bytes.asDoubleBuffer().put(values);
        return new HostTensor(DType.FLOAT64, shape, bytes);
    }

    public Shape shape() {
        return shape;
    }

    public double[] values() {
        return values.clone();
    }

    public double at(long... index) {
        long offset = 0;
        for (int i = 0; i < index.length; i++) {
            offset = offset * shape.dim(i) + index[i];
        }
        return values[Math.toIntExact(offset)];
    }

    /** By row-major position. */
    public double flat(int position) {
        return values[position];
    }

    public HostArray map(DoubleUnaryOperator function) {
        double[] mapped = new double[values.length];
        for (int i = 0; i < mapped.length; i++) {
            mapped[i] = function.applyAsDouble(values[i]);
        }
        return new HostArray(shape, mapped);
    }

    public HostArray reshape(Shape other) {
        return new HostArray(other, values);
    }

    /** Rounded to what the type can hold. */
    public HostArray roundedTo(DType dtype) {
        return of(HostTensors.convert(toHostTensor(), dtype));
    }

    private static void advance(long[] index, Shape shape) {
        for (int axis = index.length - 1; axis >= 0; axis--) {
            if (++index[axis] < shape.dim(axis)) {
                return;
            }
            index[axis] = 0;
        }
    }

    @Override
    public String toString() {
        return "HostArray " + shape;
    }
}
