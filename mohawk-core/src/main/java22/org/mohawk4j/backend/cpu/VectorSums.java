package org.mohawk4j.backend.cpu;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/** Sums and products of rows in vectors, and how vectors are read and written. */
abstract class VectorSums implements Rows {
    /** A constant, or the compiler does not see through it. */
    static final VectorSpecies<Float> S = FloatVector.SPECIES_PREFERRED;

    static final int W = S.length();
    static final int BYTES = Float.BYTES;

    private static final VectorShuffle<Float> BY_32 = rotation(32);
    private static final VectorShuffle<Float> BY_16 = rotation(16);
    private static final VectorShuffle<Float> BY_8 = rotation(8);
    private static final VectorShuffle<Float> BY_4 = rotation(4);
    private static final VectorShuffle<Float> BY_2 = rotation(2);
    private static final VectorShuffle<Float> BY_1 = rotation(1);

    /** All of memory. */
    static final MemorySegment ALL = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    static FloatVector load(long row, int index) {
        return FloatVector.fromMemorySegment(S, ALL, row + (long) index * BYTES, ByteOrder.LITTLE_ENDIAN);
    }

    static FloatVector load(long row, int index, VectorMask<Float> mask) {
        return FloatVector.fromMemorySegment(S, ALL, row + (long) index * BYTES, ByteOrder.LITTLE_ENDIAN, mask);
    }

    static void store(FloatVector x, long row, int index) {
        x.intoMemorySegment(ALL, row + (long) index * BYTES, ByteOrder.LITTLE_ENDIAN);
    }

    static void store(FloatVector x, long row, int index, VectorMask<Float> mask) {
        x.intoMemorySegment(ALL, row + (long) index * BYTES, ByteOrder.LITTLE_ENDIAN, mask);
    }

    static VectorMask<Float> rest(int from, int n) {
        return S.indexInRange(from, n);
    }

    private static VectorShuffle<Float> rotation(int lanes) {
        return VectorShuffle.fromOp(S, lane -> (lane + lanes) % W);
    }

    /**
     * The sum of a vector's elements, in one order. That of {@code reduceLanes} is left to the JVM, whose interpreter and
     * compiler add in different ones: bits would depend on when a method was compiled.
     */
    static float sumOfLanes(FloatVector x) {
        FloatVector sum = x;
        if (W >= 64) {
            sum = sum.add(sum.rearrange(BY_32));
        }
        if (W >= 32) {
            sum = sum.add(sum.rearrange(BY_16));
        }
        if (W >= 16) {
            sum = sum.add(sum.rearrange(BY_8));
        }
        if (W >= 8) {
            sum = sum.add(sum.rearrange(BY_4));
        }
        if (W >= 4) {
            sum = sum.add(sum.rearrange(BY_2));
        }
        if (W >= 2) {
            sum = sum.add(sum.rearrange(BY_1));
        }
        return sum.lane(0);
    }

    @Override
    public void add(long y, long a, long b, int n) {
        int i = 0;
        for (; i <= n - W; i += W) {
            store(load(a, i).add(load(b, i)), y, i);
        }
        if (i < n) {
            VectorMask<Float> m = rest(i, n);
            store(load(a, i, m).add(load(b, i, m)), y, i, m);
        }
    }

    @Override
    public void subtract(long y, long a, long b, int n) {
        int i = 0;
        for (; i <= n - W; i += W) {
            store(load(a, i).sub(load(b, i)), y, i);
        }
        if (i < n) {
            VectorMask<Float> m = rest(i, n);
            store(load(a, i, m).sub(load(b, i, m)), y, i, m);
        }
    }

    @Override
    public void multiply(long y, long a, long b, int n) {
        int i = 0;
        for (; i <= n - W; i += W) {
            store(load(a, i).mul(load(b, i)), y, i);
        }
        if (i < n) {
            VectorMask<Float> m = rest(i, n);
            store(load(a, i, m).mul(load(b, i, m)), y, i, m);
        }
    }

    @Override
    public void multiplyAdd(long y, long a, long b, int n) {
        int i = 0;
        for (; i <= n - W; i += W) {
            store(load(a, i).fma(load(b, i), load(y, i)), y, i);
        }
        if (i < n) {
            VectorMask<Float> m = rest(i, n);
            store(load(a, i, m).fma(load(b, i, m), load(y, i, m)), y, i, m);
        }
    }

    @Override
    public void affine(long y, float scale, float shift, long x, int n) {
        FloatVector factor = FloatVector.broadcast(S, scale);
        FloatVector addend = FloatVector.broadcast(S, shift);
        int i = 0;
        for (; i <= n - W; i += W) {
            store(load(x, i).fma(factor, addend), y, i);
        }
        if (i < n) {
            VectorMask<Float> m = rest(i, n);
            store(load(x, i, m).fma(factor, addend), y, i, m);
        }
    }

    @Override
    public void addScaled(long y, float scale, long x, int n) {
        FloatVector factor = FloatVector.broadcast(S, scale);
        int i = 0;
        for (; i <= n - W; i += W) {
            store(load(x, i).fma(factor, load(y, i)), y, i);
        }
        if (i < n) {
            VectorMask<Float> m = rest(i, n);
            store(load(x, i, m).fma(factor, load(y, i, m)), y, i, m);
        }
    }

    @Override
    public float sum(long x, int n) {
        FloatVector s = FloatVector.zero(S);
        FloatVector t = s;
        int i = 0;
        for (; i <= n - 2 * W; i += 2 * W) {
            s = s.add(load(x, i));
            t = t.add(load(x, i + W));
        }
        for (; i < n; i += W) {
            s = s.add(load(x, i, rest(i, n)));
        }
        return sumOfLanes(s.add(t));
    }

    @Override
    public float dot(long a, long b, int n) {
        FloatVector s = FloatVector.zero(S);
        FloatVector t = s;
        int i = 0;
        for (; i <= n - 2 * W; i += 2 * W) {
            s = load(a, i).fma(load(b, i), s);
            t = load(a, i + W).fma(load(b, i + W), t);
        }
        for (; i < n; i += W) {
            VectorMask<Float> m = rest(i, n);
            s = load(a, i, m).fma(load(b, i, m), s);
        }
        return sumOfLanes(s.add(t));
    }

    @Override
    public void dots(long y, long a, int rows, long x, int n) {
        long stride = (long) n * BYTES;
        int i = 0;
        for (; i <= rows - 4; i += 4) {
            long row = a + i * stride;
            FloatVector s0 = FloatVector.zero(S);
            FloatVector s1 = s0;
            FloatVector s2 = s0;
            FloatVector s3 = s0;
            int j = 0;
            for (; j <= n - W; j += W) {
                FloatVector v = load(x, j);
                s0 = load(row, j).fma(v, s0);
                s1 = load(row + stride, j).fma(v, s1);
                s2 = load(row + 2 * stride, j).fma(v, s2);
                s3 = load(row + 3 * stride, j).fma(v, s3);
            }
            if (j < n) {
                VectorMask<Float> m = rest(j, n);
                FloatVector v = load(x, j, m);
                s0 = load(row, j, m).fma(v, s0);
                s1 = load(row + stride, j, m).fma(v, s1);
                s2 = load(row + 2 * stride, j, m).fma(v, s2);
                s3 = load(row + 3 * stride, j, m).fma(v, s3);
            }
            Raw.put(y + (long) i * BYTES, sumOfLanes(s0));
            Raw.put(y + (i + 1L) * BYTES, sumOfLanes(s1));
            Raw.put(y + (i + 2L) * BYTES, sumOfLanes(s2));
            Raw.put(y + (i + 3L) * BYTES, sumOfLanes(s3));
        }
        for (; i < rows; i++) {
            Raw.put(y + (long) i * BYTES, dot(a + i * stride, x, n));
        }
    }
}
