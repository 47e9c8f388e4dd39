package org.mohawk4j.backend.cpu;

/** Sums and products of rows on the heap, and the arrays that they are copied to. */
abstract class PlainSums implements Rows {
    /** Four arrays of them fit into the first cache. */
    static final int TILE = 1024;

    final float[] a = new float[TILE];
    final float[] b = new float[TILE];
    final float[] c = new float[TILE];
    final float[] d = new float[TILE];

    static long at(long start, int index) {
        return start + (long) index * Float.BYTES;
    }

    static int tile(int from, int n) {
        return Math.min(TILE, n - from);
    }

    @Override
    public void add(long y, long x, long z, int n) {
        for (int from = 0; from < n; from += TILE) {
            int count = tile(from, n);
            Raw.get(a, at(x, from), count);
            Raw.get(b, at(z, from), count);
            for (int i = 0; i < count; i++) {
                a[i] += b[i];
            }
            Raw.put(at(y, from), a, count);
        }
    }

    @Override
    public void subtract(long y, long x, long z, int n) {
        for (int from = 0; from < n; from += TILE) {
            int count = tile(from, n);
            Raw.get(a, at(x, from), count);
            Raw.get(b, at(z, from), count);
            for (int i = 0; i < count; i++) {
                a[i] -= b[i];
            }
            Raw.put(at(y, from), a, count);
        }
    }

    @Override
    public void multiply(long y, long x, long z, int n) {
        for (int from = 0; from < n; from += TILE) {
            int count = tile(from, n);
            Raw.get(a, at(x, from), count);
            Raw.get(b, at(z, from), count);
            for (int i = 0; i < count; i++) {
                a[i] *= b[i];
            }
            Raw.put(at(y, from), a, count);
        }
    }

    @Override
    public void multiplyAdd(long y, long x, long z, int n) {
        for (int from = 0; from < n; from += TILE) {
            int count = tile(from, n);
            Raw.get(a, at(x, from), count);
            Raw.get(b, at(z, from), count);
            Raw.get(c, at(y, from), count);
            for (int i = 0; i < count; i++) {
                c[i] += a[i] * b[i];
            }
            Raw.put(at(y, from), c, count);
        }
    }

    @Override
    public void affine(long y, float scale, float shift, long x, int n) {
        for (int from = 0; from < n; from += TILE) {
            int count = tile(from, n);
            Raw.get(a, at(x, from), count);
            for (int i = 0; i < count; i++) {
                a[i] = a[i] * scale + shift;
            }
            Raw.put(at(y, from), a, count);
        }
    }

    @Override
    public void addScaled(long y, float scale, long x, int n) {
        for (int from = 0; from < n; from += TILE) {
            int count = tile(from, n);
            Raw.get(a, at(x, from), count);
            Raw.get(b, at(y, from), count);
            for (int i = 0; i < count; i++) {
                b[i] += a[i] * scale;
            }
            Raw.put(at(y, from), b, count);
        }
    }

    @Override
    public float sum(long x, int n) {
        float total = 0;
        for (int from = 0; from < n; from += TILE) {
            int count = tile(from, n);
            Raw.get(a, at(x, from), count);
            total += sumOf(a, count);
        }
        return total;
    }

    static float sumOf(float[] x, int count) {
        float s0 = 0;
        float s1 = 0;
        float s2 = 0;
        float s3 = 0;
        int i = 0;
        for (; i + 3 < count; i += 4) {
            s0 += x[i];
            s1 += x[i + 1];
            s2 += x[i + 2];
            s3 += x[i + 3];
        }
        for (; i < count; i++) {
            s0 += x[i];
        }
        return s0 + s1 + (s2 + s3);
    }

    @Override
    public float dot(long x, long z, int n) {
        float total = 0;
        for (int from = 0; from < n; from += TILE) {
            int count = tile(from, n);
            Raw.get(a, at(x, from), count);
            Raw.get(b, at(z, from), count);
            for (int i = 0; i < count; i++) {
                a[i] *= b[i];
            }
            total += sumOf(a, count);
        }
        return total;
    }

    @Override
    public void dots(long y, long m, int rows, long x, int n) {
        for (int i = 0; i < rows; i++) {
            Raw.put(at(y, i), 0);
        }
        for (int from = 0; from < n; from += TILE) {
            int count = tile(from, n);
            Raw.get(b, at(x, from), count);
            for (int i = 0; i < rows; i++) {
                Raw.get(a, m + ((long) i * n + from) * Float.BYTES, count);
                for (int j = 0; j < count; j++) {
                    a[j] *= b[j];
                }
                Raw.put(at(y, i), Raw.get(at(y, i)) + sumOf(a, count));
            }
        }
    }
}
