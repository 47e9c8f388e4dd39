package org.mohawk4j.tensor;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Conversions between element types on the host. Narrowing rounds to nearest, ties to even; NaN stays NaN. */
public final class HostTensors {
    private HostTensors() {}

    /** The same numbers as {@code dtype}; the same object if they are already. */
    public static HostTensor convert(HostTensor source, DType dtype) {
        if (source.dtype() == dtype) {
            return source;
        }
        int size = Math.toIntExact(source.shape().size());
        ByteBuffer in = source.data();
        ByteBuffer out = ByteBuffer.allocateDirect(Math.multiplyExact(size, dtype.bytes()))
                .order(ByteOrder.LITTLE_ENDIAN);
        if (source.dtype().isFloating() && dtype.isFloating()) {
            for (int i = 0; i < size; i++) {
                writeFloating(out, dtype, readFloating(in, source.dtype()));
            }
        } else {
            for (int i = 0; i < size; i++) {
                if (source.dtype().isFloating()) {
                    writeInteger(out, dtype, Math.round(readFloating(in, source.dtype())));
                } else if (dtype.isFloating()) {
                    writeFloating(out, dtype, readInteger(in, source.dtype()));
                } else {
                    writeInteger(out, dtype, readInteger(in, source.dtype()));
                }
            }
        }
        return new HostTensor(dtype, source.shape(), out.flip());
    }

    private static double readFloating(ByteBuffer in, DType dtype) {
        return switch (dtype) {
            case FLOAT64 -> in.getDouble();
            case FLOAT32 -> in.getFloat();
            case BFLOAT16 -> Float.intBitsToFloat(in.getShort() << 16);
            case FLOAT16 -> float16ToFloat(in.getShort());
            case INT64, INT32 -> throw new IllegalArgumentException(dtype + " is not floating");
        };
    }

    private static void writeFloating(ByteBuffer out, DType dtype, double value) {
        switch (dtype) {
            case FLOAT64 -> out.putDouble(value);
            case FLOAT32 -> out.putFloat((float) value);
            case BFLOAT16 -> out.putShort(floatToBfloat16((float) value));
            case FLOAT16 -> out.putShort(floatToFloat16((float) value));
            case INT64, INT32 -> throw new IllegalArgumentException(dtype + " is not floating");
        }
    }

    private static long readInteger(ByteBuffer in, DType dtype) {
        return dtype == DType.INT64 ? in.getLong() : in.getInt();
    }

    private static void writeInteger(ByteBuffer out, DType dtype, long value) {
        if (dtype == DType.INT64) {
            out.putLong(value);
        } else {
            out.putInt(Math.toIntExact(value));
        }
    }

    static short floatToBfloat16(float value) {
        int bits = Float.floatToRawIntBits(value);
        if (Float.isNaN(value)) {
            return (short) ((bits >>> 16) | 0x40);
        }
        return (short) ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16);
    }

    static float float16ToFloat(short half) {
        int sign = (half & 0x8000) << 16;
        int exponent = (half >>> 10) & 0x1f;
        int fraction = half & 0x3ff;
        if (exponent == 0) {
            float magnitude = fraction * 0x1p-24f;
            return sign == 0 ? magnitude : -magnitude;
        }
        int wide = exponent == 0x1f ? 0xff : exponent + 112;
        return Float.intBitsToFloat(sign | (wide << 23) | (fraction << 13));
    }

    static short floatToFloat16(float value) {
        int bits = Float.floatToRawIntBits(value);
        int sign = (bits >>> 16) & 0x8000;
        float magnitude = Math.abs(value);
        if (Float.isNaN(value)) {
            return (short) (sign | 0x7e00 | ((bits >>> 13) & 0x1ff));
        }
        if (magnitude >= 65520f) {
            return (short) (sign | 0x7c00);
        }
        if (magnitude < 0x1p-14f) {
            return (short) (sign | (int) Math.rint(magnitude * 0x1p24));
        }
        int rebiased = Float.floatToRawIntBits(magnitude) - (112 << 23);
        return (short) (sign | ((rebiased + 0xfff + ((rebiased >>> 13) & 1)) >>> 13));
    }
}
