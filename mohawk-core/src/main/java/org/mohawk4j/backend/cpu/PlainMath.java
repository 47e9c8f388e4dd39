package org.mohawk4j.backend.cpu;

/** Exponentials of arrays on the heap, in loops of float arithmetic. */
final class PlainMath {
    /** Below it {@code exp} gives 0, above its negative a finite number is certain. */
    private static final float LEAST = -87.33654f;

    private static final float LARGEST = 88.37626f;
    private static final float LOG2_E = 1.442695f;

    /** Added and subtracted again, it rounds; its low bits are then the integer. */
    private static final float ROUNDER = 12582912f;

    private static final float LN2_HIGH = 0.6933594f;
    private static final float LN2_LOW = -2.1219444e-4f;
    private static final int BIAS = 127;
    private static final int MANTISSA = 23;

    /** {@code gelu(x) = x · sigmoid(x (SLOPE + CUBIC x²))}, from tanh(u) = 2 sigmoid(2u) - 1. */
    static final float SLOPE = (float) (2 * Math.sqrt(2 / Math.PI));

    static final float CUBIC = (float) (2 * Math.sqrt(2 / Math.PI) * 0.044715);

    private PlainMath() {}

    /** By Cephes' polynomial, to two units in the last place. */
    static float exp(float x) {
        if (!(x >= LEAST)) {
            return x < LEAST ? 0 : Float.NaN;
        }
        float clamped = Math.min(x, LARGEST);
        float shifted = clamped * LOG2_E + ROUNDER;
        float n = shifted - ROUNDER;
        float r = clamped - n * LN2_HIGH - n * LN2_LOW;
        float p = 1.9875691e-4f;
        p = p * r + 0.0013981999f;
        p = p * r + 0.008333452f;
        p = p * r + 0.041665796f;
        p = p * r + 0.16666666f;
        p = p * r + 0.5f;
        float result = p * r * r + r + 1;
        return result * Float.intBitsToFloat((Float.floatToRawIntBits(shifted) + BIAS) << MANTISSA);
    }

    static float sigmoid(float x) {
        return 1 / (1 + exp(-x));
    }

    /** The sigmoid in tanh-gelu. */
    static float geluGate(float x) {
        return sigmoid(x * (SLOPE + CUBIC * x * x));
    }
}
