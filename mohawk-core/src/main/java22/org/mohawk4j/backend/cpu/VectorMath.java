package org.mohawk4j.backend.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** {@link PlainMath} in vectors. */
final class VectorMath {
    private static final VectorSpecies<Float> S = FloatVector.SPECIES_PREFERRED;
    private static final float LEAST = -87.33654f;
    private static final float LARGEST = 88.37626f;
    private static final float LOG2_E = 1.442695f;
    private static final float ROUNDER = 12582912f;
    private static final float LN2_HIGH = 0.6933594f;
    private static final float LN2_LOW = -2.1219444e-4f;
    private static final int BIAS = 127;
    private static final int MANTISSA = 23;

    private VectorMath() {}

    static FloatVector exp(FloatVector x) {
        // by comparisons: min and max take a handful of instructions each, for the sake of NaN and -0
        FloatVector clamped = x.blend(LARGEST, x.compare(VectorOperators.GT, LARGEST));
        FloatVector shifted = clamped.mul(LOG2_E).add(ROUNDER);
        FloatVector n = shifted.sub(ROUNDER);
        FloatVector r = clamped.sub(n.mul(LN2_HIGH)).sub(n.mul(LN2_LOW));
        FloatVector p = FloatVector.broadcast(S, 1.9875691e-4f);
        p = p.fma(r, FloatVector.broadcast(S, 0.0013981999f));
        p = p.fma(r, FloatVector.broadcast(S, 0.008333452f));
        p = p.fma(r, FloatVector.broadcast(S, 0.041665796f));
        p = p.fma(r, FloatVector.broadcast(S, 0.16666666f));
        p = p.fma(r, FloatVector.broadcast(S, 0.5f));
        FloatVector result = p.mul(r).mul(r).add(r).add(1);
        FloatVector power = shifted.reinterpretAsInts()
                .add(BIAS)
                .lanewise(VectorOperators.LSHL, MANTISSA)
                .reinterpretAsFloats();
        return result.mul(power).blend(0, x.compare(VectorOperators.LT, LEAST));
    }

    static FloatVector sigmoid(FloatVector x) {
        FloatVector one = FloatVector.broadcast(S, 1);
        return one.div(exp(x.neg()).add(one));
    }

    /** The sigmoid in tanh-gelu. */
    static FloatVector geluGate(FloatVector x) {
        return sigmoid(x.mul(x).mul(PlainMath.CUBIC).add(PlainMath.SLOPE).mul(x));
    }

    static FloatVector geluSlope(FloatVector x) {
        FloatVector s = geluGate(x);
        FloatVector slope =
                x.mul(x).mul(3 * PlainMath.CUBIC).add(PlainMath.SLOPE).mul(x);
        return s.sub(s.mul(s)).fma(slope, s);
    }

    static FloatVector siluSlope(FloatVector x) {
        FloatVector s = sigmoid(x);
        FloatVector t = x.mul(s);
        return s.add(t.sub(t.mul(s)));
    }
}
