package org.mohawk4j.nn;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.SplittableRandom;
import java.util.function.IntToDoubleFunction;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.HostTensor;
import org.mohawk4j.tensor.types.Shape;

/** The first value of a parameter. */
@FunctionalInterface
public interface Initializer {
    HostTensor create(Shape shape);

    /** This, with {@code count} rows of the first axis set to zero. */
    default Initializer withZeroRows(long from, long count) {
        return shape -> {
            HostTensor full = create(shape);
            long row = shape.size() / shape.dim(0) * full.dtype().bytes();
            ByteBuffer bytes = full.data();
            bytes.put(Math.toIntExact(from * row), new byte[Math.toIntExact(count * row)]);
            return full;
        };
    }

    static Initializer constant(double value) {
        return byIndex(i -> value);
    }

    /** Uniform in ±bound, the same for the same seed. */
    static Initializer uniform(double bound, long seed) {
        return shape -> {
            SplittableRandom random = new SplittableRandom(seed);
            return byIndex(i -> (2 * random.nextDouble() - 1) * bound).create(shape);
        };
    }

    /** Normal with mean 0, the same for the same seed. */
    static Initializer normal(double deviation, long seed) {
        return shape -> {
            SplittableRandom random = new SplittableRandom(seed);
            return byIndex(i -> random.nextGaussian() * deviation).create(shape);
        };
    }

    /** From the row-major index of each element. */
    static Initializer byIndex(IntToDoubleFunction value) {
        return shape -> {
            int size = Math.toIntExact(shape.size());
            ByteBuffer bytes = ByteBuffer.allocateDirect(Math.multiplyExact(size, Float.BYTES))
                    .order(ByteOrder.LITTLE_ENDIAN);
            for (int i = 0; i < size; i++) {
                bytes.putFloat((float) value.applyAsDouble(i));
            }
            return new HostTensor(DType.FLOAT32, shape, bytes.flip());
        };
    }
}
