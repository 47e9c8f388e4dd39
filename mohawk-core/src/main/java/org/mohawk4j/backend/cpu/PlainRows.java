package org.mohawk4j.backend.cpu;

import org.mohawk4j.op.Activation;

/**
 * Rows by way of small arrays on the heap, which Java 17 turns loops over into vector instructions; of memory outside of
 * the heap it does not. Serves one thread at a time.
 */
final class PlainRows extends PlainSums {
    @Override
    public String name() {
        return "plain";
    }

    @Override
    public void exp(long y, float scale, float shift, long x, int n) {
        for (int from = 0; from < n; from += TILE) {
            int count = tile(from, n);
            Raw.get(a, at(x, from), count);
            for (int i = 0; i < count; i++) {
                a[i] = PlainMath.exp(a[i] * scale + shift);
            }
            Raw.put(at(y, from), a, count);
        }
    }

    @Override
    public float softmax(long y, float scale, long x, int n) {
        float largest = Float.NEGATIVE_INFINITY;
        for (int from = 0; from < n; from += TILE) {
            int count = tile(from, n);
            Raw.get(a, at(x, from), count);
            for (int i = 0; i < count; i++) {
                float scaled = a[i] * scale;
                largest = scaled > largest ? scaled : largest;
            }
        }
        float total = 0;
        for (int from = 0; from < n; from += TILE) {
            int count = tile(from, n);
            Raw.get(a, at(x, from), count);
            for (int i = 0; i < count; i++) {
                a[i] = PlainMath.exp(a[i] * scale - largest);
            }
            total += sumOf(a, count);
            Raw.put(at(y, from), a, count);
        }
        affine(y, 1 / total, 0, y, n);
        return largest + (float) Math.log(total);
    }

    @Override
    public void softmaxGradient(long y, long p, long g, int n) {
        float mean = dot(p, g, n);
        for (int from = 0; from < n; from += TILE) {
            int count = tile(from, n);
            Raw.get(a, at(p, from), count);
            Raw.get(b, at(g, from), count);
            for (int i = 0; i < count; i++) {
                a[i] *= b[i] - mean;
            }
            Raw.put(at(y, from), a, count);
        }
    }

    @Override
    public void activate(Activation activation, long y, long x, int n) {
        for (int from = 0; from < n; from += TILE) {
            int count = tile(from, n);
            Raw.get(a, at(x, from), count);
            switch (activation) {
                case NONE -> {}
                case RELU -> {
                    for (int i = 0; i < count; i++) {
                        a[i] = Math.max(a[i], 0);
                    }
                }
                case SILU -> {
                    for (int i = 0; i < count; i++) {
                        a[i] *= PlainMath.sigmoid(a[i]);
                    }
                }
                case GELU_TANH -> {
                    for (int i = 0; i < count; i++) {
                        a[i] *= PlainMath.geluGate(a[i]);
                    }
                }
            }
            Raw.put(at(y, from), a, count);
        }
    }

    @Override
    public void activationGradient(Activation activation, long y, long g, long x, int n) {
        for (int from = 0; from < n; from += TILE) {
            int count = tile(from, n);
            Raw.get(a, at(x, from), count);
            Raw.get(b, at(g, from), count);
            switch (activation) {
                case NONE -> {}
                case RELU -> {
                    for (int i = 0; i < count; i++) {
                        b[i] = a[i] > 0 ? b[i] : a[i] <= 0 ? b[i] * 0 : Float.NaN;
                    }
                }
                case SILU -> {
                    for (int i = 0; i < count; i++) {
                        float s = PlainMath.sigmoid(a[i]);
                        b[i] *= s + a[i] * s * (1 - s);
                    }
                }
                case GELU_TANH -> {
                    for (int i = 0; i < count; i++) {
                        float t = a[i];
                        float s = PlainMath.geluGate(t);
                        float slope = t * (PlainMath.SLOPE + 3 * PlainMath.CUBIC * t * t);
                        b[i] *= s + slope * (s - s * s);
                    }
                }
            }
            Raw.put(at(y, from), b, count);
        }
    }

    @Override
    public void gate(long y, long x, long z, long bias, int n) {
        for (int from = 0; from < n; from += TILE) {
            int count = tile(from, n);
            Raw.get(a, at(x, from), count);
            Raw.get(b, at(z, from), count);
            Raw.get(c, at(bias, from), count);
            for (int i = 0; i < count; i++) {
                float t = b[i] + c[i];
                a[i] *= t * PlainMath.sigmoid(t);
            }
            Raw.put(at(y, from), a, count);
        }
    }

    @Override
    public void gateGradient(long ofX, long ofZ, long g, long x, long z, long bias, int n) {
        for (int from = 0; from < n; from += TILE) {
            int count = tile(from, n);
            Raw.get(a, at(x, from), count);
            Raw.get(b, at(z, from), count);
            Raw.get(c, at(bias, from), count);
            Raw.get(d, at(g, from), count);
            for (int i = 0; i < count; i++) {
                float t = b[i] + c[i];
                float s = PlainMath.sigmoid(t);
                float silu = t * s;
                b[i] = d[i] * a[i] * (s + silu * (1 - s));
                a[i] = d[i] * silu;
            }
            Raw.put(at(ofX, from), a, count);
            Raw.put(at(ofZ, from), b, count);
        }
    }

    @Override
    public void layerNorm(long y, long x, long weight, long bias, float epsilon, long statistics, int n) {
        float mean = sum(x, n) / n;
        float square = 0;
        for (int from = 0; from < n; from += TILE) {
            int count = tile(from, n);
            Raw.get(a, at(x, from), count);
            for (int i = 0; i < count; i++) {
                float centered = a[i] - mean;
                a[i] = centered * centered;
            }
            square += sumOf(a, count);
        }
        float inverse = (float) (1 / Math.sqrt(square / n + epsilon));
        Raw.put(statistics, mean);
        Raw.put(at(statistics, 1), inverse);
        for (int from = 0; from < n; from += TILE) {
            int count = tile(from, n);
            Raw.get(a, at(x, from), count);
            Raw.get(b, at(weight, from), count);
            Raw.get(c, at(bias, from), count);
            for (int i = 0; i < count; i++) {
                a[i] = (a[i] - mean) * inverse * b[i] + c[i];
            }
            Raw.put(at(y, from), a, count);
        }
    }

    @Override
    public void layerNormGradient(
            long ofX, long g, long x, long weight, long statistics, long ofWeight, long ofBias, int n) {
        float mean = Raw.get(statistics);
        float inverse = Raw.get(at(statistics, 1));
        float sum = 0;
        float product = 0;
        for (int from = 0; from < n; from += TILE) {
            int count = tile(from, n);
            Raw.get(a, at(x, from), count);
            Raw.get(b, at(g, from), count);
            Raw.get(c, at(ofWeight, from), count);
            Raw.get(d, at(ofBias, from), count);
            for (int i = 0; i < count; i++) {
                a[i] = (a[i] - mean) * inverse;
                c[i] += b[i] * a[i];
                d[i] += b[i];
            }
            Raw.put(at(ofWeight, from), c, count);
            Raw.put(at(ofBias, from), d, count);
            Raw.get(c, at(weight, from), count);
            for (int i = 0; i < count; i++) {
                b[i] *= c[i];
                a[i] *= b[i];
            }
            sum += sumOf(b, count);
            product += sumOf(a, count);
        }
        float shift = sum / n;
        float slope = product / n;
        for (int from = 0; from < n; from += TILE) {
            int count = tile(from, n);
            Raw.get(a, at(x, from), count);
            Raw.get(b, at(g, from), count);
            Raw.get(c, at(weight, from), count);
            for (int i = 0; i < count; i++) {
                a[i] = inverse * (b[i] * c[i] - shift - (a[i] - mean) * inverse * slope);
            }
            Raw.put(at(ofX, from), a, count);
        }
    }

    @Override
    public void rmsNorm(long y, long x, long weight, float epsilon, long statistics, int n) {
        float inverse = (float) (1 / Math.sqrt(dot(x, x, n) / n + epsilon));
        Raw.put(statistics, inverse);
        for (int from = 0; from < n; from += TILE) {
            int count = tile(from, n);
            Raw.get(a, at(x, from), count);
            Raw.get(b, at(weight, from), count);
            for (int i = 0; i < count; i++) {
                a[i] *= inverse * b[i];
            }
            Raw.put(at(y, from), a, count);
        }
    }

    @Override
    public void rmsNormGradient(long ofX, long g, long x, long weight, long statistics, long ofWeight, int n) {
        float inverse = Raw.get(statistics);
        float product = 0;
        for (int from = 0; from < n; from += TILE) {
            int count = tile(from, n);
            Raw.get(a, at(x, from), count);
            Raw.get(b, at(g, from), count);
            Raw.get(c, at(ofWeight, from), count);
            Raw.get(d, at(weight, from), count);
            for (int i = 0; i < count; i++) {
                a[i] *= inverse * b[i];
                c[i] += a[i];
                a[i] *= d[i];
            }
            Raw.put(at(ofWeight, from), c, count);
            product += sumOf(a, count);
        }
        float slope = product / n * inverse;
        for (int from = 0; from < n; from += TILE) {
            int count = tile(from, n);
            Raw.get(a, at(x, from), count);
            Raw.get(b, at(g, from), count);
            Raw.get(c, at(weight, from), count);
            for (int i = 0; i < count; i++) {
                a[i] = inverse * (b[i] * c[i] - a[i] * slope);
            }
            Raw.put(at(ofX, from), a, count);
        }
    }

    @Override
    public void rotate(long y, long x, long cos, long sin, float sign, int half, int n) {
        for (int from = 0; from < half; from += TILE) {
            int count = tile(from, half);
            Raw.get(a, at(x, from), count);
            Raw.get(b, at(x, from + half), count);
            Raw.get(c, at(cos, from), count);
            Raw.get(d, at(sin, from), count);
            for (int i = 0; i < count; i++) {
                float first = a[i];
                float turn = d[i] * sign;
                a[i] = first * c[i] - b[i] * turn;
                b[i] = b[i] * c[i] + first * turn;
            }
            Raw.put(at(y, from), a, count);
            Raw.put(at(y, from + half), b, count);
        }
        if (y != x) {
            Raw.copy(at(y, 2 * half), at(x, 2 * half), n - 2L * half);
        }
    }

    @Override
    public void adam(long value, long gradient, long first, long second, AdamStep step, int n) {
        float fresh1 = 1 - step.beta1();
        float fresh2 = 1 - step.beta2();
        for (int from = 0; from < n; from += TILE) {
            int count = tile(from, n);
            Raw.get(a, at(value, from), count);
            Raw.get(b, at(gradient, from), count);
            Raw.get(c, at(first, from), count);
            Raw.get(d, at(second, from), count);
            for (int i = 0; i < count; i++) {
                float g = b[i] * step.scale();
                c[i] = c[i] * step.beta1() + g * fresh1;
                d[i] = d[i] * step.beta2() + g * g * fresh2;
                float deviation = (float) Math.sqrt(d[i]) * step.inverseRoot() + step.epsilon();
                a[i] = a[i] * step.kept() - step.rate() * c[i] / deviation;
            }
            Raw.put(at(value, from), a, count);
            Raw.put(at(first, from), c, count);
            Raw.put(at(second, from), d, count);
        }
    }
}
