package org.mohawk4j.tensor.types;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.Consumer;
import org.mohawk4j.InvalidInputException;

/**
 * Conversions on the host between element types and from and to Java arrays. Every conversion rounds once, to nearest,
 * ties to even; what is too large becomes infinite, and NaN stays NaN with the part of its payload that fits.
 */
public final class HostTensors {
    private static final int CHUNK = 4096;

    private HostTensors() {}

    /**
     * The same numbers as {@code dtype}; the same object if they are already. Integers become floating-point numbers by
     * way of doubles, and floating-point numbers the nearest integer.
     *
     * @throws ArithmeticException if an integer does not fit {@code dtype}, or NaN should become one
     * @throws InvalidInputException if the result would take more than 2^31 - 1 bytes
     */
    public static HostTensor convert(HostTensor source, DType dtype) {
        if (source.dtype() == dtype) {
            return source;
        }
        ByteBuffer out = allocate(dtype, source.shape());
        ByteBuffer in = source.data();
        if (!source.dtype().isFloating() && !dtype.isFloating()) {
            convertIntegers(source, dtype, out);
        } else if (isAtMostFloat32(source.dtype()) && isAtMostFloat32(dtype)) {
            float[] chunk = new float[Math.min(CHUNK, length(source))];
            for (int n = next(in, source.dtype()); n > 0; n = next(in, source.dtype())) {
                getFloats(in, source.dtype(), chunk, 0, n);
                putFloats(out, dtype, chunk, n);
            }
        } else {
            double[] chunk = new double[Math.min(CHUNK, length(source))];
            for (int n = next(in, source.dtype()); n > 0; n = next(in, source.dtype())) {
                getDoubles(in, source.dtype(), chunk, 0, n);
                if (dtype.isFloating()) {
                    putDoubles(out, dtype, chunk, n);
                } else {
                    putIntegers(out, dtype, chunk, n);
                }
            }
        }
        return new HostTensor(dtype, source.shape(), out.flip());
    }

    /** The elements as floats, row-major. */
    public static float[] toFloats(HostTensor source) {
        float[] values = new float[length(source)];
        ByteBuffer in = source.data();
        if (isAtMostFloat32(source.dtype())) {
            getFloats(in, source.dtype(), values, 0, values.length);
            return values;
        }
        double[] doubles = toDoubles(source);
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) doubles[i];
        }
        return values;
    }

    /** The elements as doubles, row-major. */
    public static double[] toDoubles(HostTensor source) {
        double[] values = new double[length(source)];
        getDoubles(source.data(), source.dtype(), values, 0, values.length);
        return values;
    }

    /**
     * The elements of an integer tensor, row-major.
     *
     * @throws IllegalArgumentException if it is not of integers
     */
    public static long[] toLongs(HostTensor source) {
        if (source.dtype().isFloating()) {
            throw new IllegalArgumentException("expected a tensor of integers, found " + source.dtype());
        }
        long[] values = new long[length(source)];
        ByteBuffer in = source.data();
        if (source.dtype() == DType.INT64) {
            in.asLongBuffer().get(values);
        } else {
            for (int i = 0; i < values.length; i++) {
                values[i] = in.getInt();
            }
        }
        return values;
    }

    /** A FLOAT32 tensor of these elements, row-major. */
    public static HostTensor of(Shape shape, float... values) {
        return filled(
                DType.FLOAT32, shape, values.length, out -> out.asFloatBuffer().put(values));
    }

    /** A FLOAT64 tensor of these elements, row-major. */
    public static HostTensor of(Shape shape, double... values) {
        return filled(
                DType.FLOAT64, shape, values.length, out -> out.asDoubleBuffer().put(values));
    }

    /** An INT64 tensor of these elements, row-major. */
    public static HostTensor of(Shape shape, long... values) {
        return filled(
                DType.INT64, shape, values.length, out -> out.asLongBuffer().put(values));
    }

    /** An INT32 tensor of these elements, row-major. */
    public static HostTensor of(Shape shape, int... values) {
        return filled(
                DType.INT32, shape, values.length, out -> out.asIntBuffer().put(values));
    }

    /** The number that sixteen bits of bfloat16 stand for. */
    public static float bfloat16ToFloat(short bits) {
        return Float.intBitsToFloat(bits << 16);
    }

    /** The nearest bfloat16. */
    public static short floatToBfloat16(float value) {
        int bits = Float.floatToRawIntBits(value);
        if (Float.isNaN(value)) {
            int cut = bits >>> 16;
            return (short) ((cut & 0x7f) == 0 ? cut | 0x40 : cut);
        }
        return (short) ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16);
    }

    /** The number that sixteen bits of IEEE 754 binary16 stand for. */
    public static float float16ToFloat(short bits) {
        int sign = (bits & 0x8000) << 16;
        int magnitude = bits & 0x7fff;
        if (magnitude >= 0x7c00) {
            return Float.intBitsToFloat(sign | 0x7f800000 | (magnitude << 13));
        }
        float value = Float.intBitsToFloat(magnitude << 13) * 0x1p112f;
        return Float.intBitsToFloat(sign | Float.floatToRawIntBits(value));
    }

    /** The nearest IEEE 754 binary16. */
    public static short floatToFloat16(float value) {
        int bits = Float.floatToRawIntBits(value);
        int sign = (bits >>> 16) & 0x8000;
        int magnitude = bits & 0x7fffffff;
        if (magnitude > 0x7f800000) {
            int payload = (magnitude >>> 13) & 0x3ff;
            return (short) (sign | 0x7c00 | (payload == 0 ? 0x200 : payload));
        }
        if (magnitude >= 0x477ff000) {
            return (short) (sign | 0x7c00);
        }
        if (magnitude < 0x38800000) {
            // Half has steps of 2^-24 here, and so has float just above 0.5: its addition rounds for us.
            float shifted = Float.intBitsToFloat(magnitude) + 0.5f;
            return (short) (sign | (Float.floatToRawIntBits(shifted) - 0x3f000000));
        }
        int rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
        return (short) (sign | ((rounded - 0x38000000) >>> 13));
    }

    /**
     * A float from which rounding to sixteen bits gives what rounding the double would: rounded towards zero, with the
     * last bit set if that lost anything (Boldo and Melquiond, "Emulation of FMA and correctly rounded sums", 2008).
     */
    private static float toFloatRoundedToOdd(double value) {
        float nearest = (float) value;
        if (nearest == value || Double.isNaN(value)) {
            return nearest;
        }
        int bits = Float.floatToRawIntBits(nearest);
        int towardsZero = Math.abs((double) nearest) > Math.abs(value) ? bits - 1 : bits;
        return Float.intBitsToFloat(towardsZero | 1);
    }

    private static void getFloats(ByteBuffer in, DType dtype, float[] out, int at, int count) {
        if (dtype == DType.FLOAT32) {
            in.asFloatBuffer().get(out, at, count);
            in.position(in.position() + count * Float.BYTES);
            return;
        }
        short[] chunk = new short[Math.min(count, CHUNK)];
        for (int done = 0; done < count; done += chunk.length) {
            int n = Math.min(chunk.length, count - done);
            in.asShortBuffer().get(chunk, 0, n);
            in.position(in.position() + n * Short.BYTES);
            int to = at + done;
            if (dtype == DType.BFLOAT16) {
                for (int i = 0; i < n; i++) {
                    out[to + i] = bfloat16ToFloat(chunk[i]);
                }
            } else {
                for (int i = 0; i < n; i++) {
                    out[to + i] = float16ToFloat(chunk[i]);
                }
            }
        }
    }

    private static void putFloats(ByteBuffer out, DType dtype, float[] values, int count) {
        if (dtype == DType.FLOAT32) {
            out.asFloatBuffer().put(values, 0, count);
            out.position(out.position() + count * Float.BYTES);
            return;
        }
        short[] chunk = new short[count];
        if (dtype == DType.BFLOAT16) {
            for (int i = 0; i < count; i++) {
                chunk[i] = floatToBfloat16(values[i]);
            }
        } else {
            for (int i = 0; i < count; i++) {
                chunk[i] = floatToFloat16(values[i]);
            }
        }
        out.asShortBuffer().put(chunk);
        out.position(out.position() + count * Short.BYTES);
    }

    private static void getDoubles(ByteBuffer in, DType dtype, double[] out, int at, int count) {
        switch (dtype) {
            case FLOAT64 -> {
                in.asDoubleBuffer().get(out, at, count);
                in.position(in.position() + count * Double.BYTES);
            }
            case INT64 -> {
                for (int i = 0; i < count; i++) {
                    out[at + i] = in.getLong();
                }
            }
            case INT32 -> {
                for (int i = 0; i < count; i++) {
                    out[at + i] = in.getInt();
                }
            }
            case FLOAT32, FLOAT16, BFLOAT16 -> {
                float[] chunk = new float[Math.min(count, CHUNK)];
                for (int done = 0; done < count; done += chunk.length) {
                    int n = Math.min(chunk.length, count - done);
                    getFloats(in, dtype, chunk, 0, n);
                    for (int i = 0; i < n; i++) {
                        out[at + done + i] = chunk[i];
                    }
                }
            }
        }
    }

    private static void putDoubles(ByteBuffer out, DType dtype, double[] values, int count) {
        if (dtype == DType.FLOAT64) {
            out.asDoubleBuffer().put(values, 0, count);
            out.position(out.position() + count * Double.BYTES);
            return;
        }
        float[] floats = new float[count];
        for (int i = 0; i < count; i++) {
            floats[i] = dtype == DType.FLOAT32 ? (float) values[i] : toFloatRoundedToOdd(values[i]);
        }
        putFloats(out, dtype, floats, count);
    }

    private static void putIntegers(ByteBuffer out, DType dtype, double[] values, int count) {
        for (int i = 0; i < count; i++) {
            double whole = Math.rint(values[i]);
            if (!(whole >= Long.MIN_VALUE && whole < 0x1p63)) {
                throw new ArithmeticException(values[i] + " does not fit " + dtype);
            }
            putInteger(out, dtype, (long) whole);
        }
    }

    private static void convertIntegers(HostTensor source, DType dtype, ByteBuffer out) {
        for (long value : toLongs(source)) {
            putInteger(out, dtype, value);
        }
    }

    private static void putInteger(ByteBuffer out, DType dtype, long value) {
        if (dtype == DType.INT64) {
            out.putLong(value);
        } else {
            out.putInt(Math.toIntExact(value));
        }
    }

    private static boolean isAtMostFloat32(DType dtype) {
        return dtype.isFloating() && dtype != DType.FLOAT64;
    }

    private static int next(ByteBuffer in, DType dtype) {
        return Math.min(CHUNK, in.remaining() / dtype.bytes());
    }

    private static int length(HostTensor source) {
        return source.data().remaining() / source.dtype().bytes();
    }

    private static HostTensor filled(DType dtype, Shape shape, int values, Consumer<ByteBuffer> fill) {
        if (values != shape.size()) {
            throw new IllegalArgumentException(
                    "shape " + shape + " needs " + shape.size() + " elements, found " + values);
        }
        ByteBuffer out = allocate(dtype, shape);
        fill.accept(out);
        return new HostTensor(dtype, shape, out);
    }

    private static ByteBuffer allocate(DType dtype, Shape shape) {
        long bytes = Math.multiplyExact(shape.size(), dtype.bytes());
        if (bytes > Integer.MAX_VALUE) {
            throw new InvalidInputException("a tensor " + dtype + " " + shape + ": expected at most "
                    + Integer.MAX_VALUE + " bytes in one tensor, found " + bytes);
        }
        return ByteBuffer.allocate((int) bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
}
