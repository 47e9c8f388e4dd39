package org.mohawk4j.backend.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import org.mohawk4j.op.Activation;

/** Rows in vectors as wide as the processor has them, straight on memory. Serves any number of threads. */
final class VectorRows extends VectorSums {
    /** Passes over NaN in b, which the exponential then finds. */
    private static FloatVector larger(FloatVector a, FloatVector b) {
        return a.blend(b, b.compare(VectorOperators.GT, a));
    }

    @Override
    public String name() {
        return "vectors of " + W;
    }

    @Override
    public void exp(long y, float scale, float shift, long x, int n) {
        FloatVector factor = FloatVector.broadcast(S, scale);
        FloatVector addend = FloatVector.broadcast(S, shift);
        int i = 0;
        for (; i <= n - W; i += W) {
            store(VectorMath.exp(load(x, i).fma(factor, addend)), y, i);
        }
        if (i < n) {
            VectorMask<Float> m = rest(i, n);
            store(VectorMath.exp(load(x, i, m).fma(factor, addend)), y, i, m);
        }
    }

    @Override
    public float softmax(long y, float scale, long x, int n) {
        FloatVector factor = FloatVector.broadcast(S, scale);
        FloatVector least = FloatVector.broadcast(S, Float.NEGATIVE_INFINITY);
        FloatVector largest = least;
        int i = 0;
        for (; i <= n - W; i += W) {
            largest = larger(largest, load(x, i).mul(factor));
        }
        if (i < n) {
            VectorMask<Float> m = rest(i, n);
            largest = larger(largest, least.blend(load(x, i, m).mul(factor), m));
        }
        float maximum = largest.reduceLanes(VectorOperators.MAX);
        FloatVector addend = FloatVector.broadcast(S, -maximum);
        FloatVector total = FloatVector.zero(S);
        i = 0;
        for (; i <= n - W; i += W) {
            FloatVector e = VectorMath.exp(load(x, i).fma(factor, addend));
            store(e, y, i);
            total = total.add(e);
        }
        if (i < n) {
            VectorMask<Float> m = rest(i, n);
            FloatVector e = VectorMath.exp(load(x, i, m).fma(factor, addend));
            store(e, y, i, m);
            total = total.add(e, m);
        }
        float sum = sumOfLanes(total);
        affine(y, 1 / sum, 0, y, n);
        return maximum + (float) Math.log(sum);
    }

    @Override
    public void softmaxGradient(long y, long p, long g, int n) {
        FloatVector mean = FloatVector.broadcast(S, dot(p, g, n));
        int i = 0;
        for (; i <= n - W; i += W) {
            store(load(g, i).sub(mean).mul(load(p, i)), y, i);
        }
        if (i < n) {
            VectorMask<Float> m = rest(i, n);
            store(load(g, i, m).sub(mean).mul(load(p, i, m)), y, i, m);
        }
    }

    @Override
    public void activate(Activation activation, long y, long x, int n) {
        switch (activation) {
            case NONE -> affine(y, 1, 0, x, n);
            case RELU -> relu(y, x, n);
            case SILU -> silu(y, x, n);
            case GELU_TANH -> gelu(y, x, n);
        }
    }

    private static void relu(long y, long x, int n) {
        for (int i = 0; i < n; i += W) {
            VectorMask<Float> m = rest(i, n);
            store(load(x, i, m).max(0), y, i, m);
        }
    }

    private static void silu(long y, long x, int n) {
        int i = 0;
        for (; i <= n - W; i += W) {
            FloatVector t = load(x, i);
            store(t.mul(VectorMath.sigmoid(t)), y, i);
        }
        if (i < n) {
            VectorMask<Float> m = rest(i, n);
            FloatVector t = load(x, i, m);
            store(t.mul(VectorMath.sigmoid(t)), y, i, m);
        }
    }

    private static void gelu(long y, long x, int n) {
        int i = 0;
        for (; i <= n - W; i += W) {
            FloatVector t = load(x, i);
            store(t.mul(VectorMath.geluGate(t)), y, i);
        }
        if (i < n) {
            VectorMask<Float> m = rest(i, n);
            FloatVector t = load(x, i, m);
            store(t.mul(VectorMath.geluGate(t)), y, i, m);
        }
    }

    @Override
    public void activationGradient(Activation activation, long y, long g, long x, int n) {
        switch (activation) {
            case NONE -> affine(y, 1, 0, g, n);
            case RELU -> reluGradient(y, g, x, n);
            case SILU -> siluGradient(y, g, x, n);
            case GELU_TANH -> geluGradient(y, g, x, n);
        }
    }

    private static void reluGradient(long y, long g, long x, int n) {
        for (int i = 0; i < n; i += W) {
            VectorMask<Float> m = rest(i, n);
            FloatVector t = load(x, i, m);
            // 0 for what is negative, NaN for NaN
            FloatVector slope = t.sub(t).blend(1, t.compare(VectorOperators.GT, 0));
            store(load(g, i, m).mul(slope), y, i, m);
        }
    }

    private static void siluGradient(long y, long g, long x, int n) {
        int i = 0;
        for (; i <= n - W; i += W) {
            store(load(g, i).mul(VectorMath.siluSlope(load(x, i))), y, i);
        }
        if (i < n) {
            VectorMask<Float> m = rest(i, n);
            store(load(g, i, m).mul(VectorMath.siluSlope(load(x, i, m))), y, i, m);
        }
    }

    private static void geluGradient(long y, long g, long x, int n) {
        int i = 0;
        for (; i <= n - W; i += W) {
            store(load(g, i).mul(VectorMath.geluSlope(load(x, i))), y, i);
        }
        if (i < n) {
            VectorMask<Float> m = rest(i, n);
            store(load(g, i, m).mul(VectorMath.geluSlope(load(x, i, m))), y, i, m);
        }
    }

    @Override
    public void gate(long y, long x, long z, long bias, int n) {
        int i = 0;
        for (; i <= n - W; i += W) {
            FloatVector t = load(z, i).add(load(bias, i));
            store(load(x, i).mul(t).mul(VectorMath.sigmoid(t)), y, i);
        }
        if (i < n) {
            VectorMask<Float> m = rest(i, n);
            FloatVector t = load(z, i, m).add(load(bias, i, m));
            store(load(x, i, m).mul(t).mul(VectorMath.sigmoid(t)), y, i, m);
        }
    }

    @Override
    public void gateGradient(long ofX, long ofZ, long g, long x, long z, long bias, int n) {
        int i = 0;
        for (; i <= n - W; i += W) {
            FloatVector t = load(z, i).add(load(bias, i));
            FloatVector s = VectorMath.sigmoid(t);
            FloatVector silu = t.mul(s);
            FloatVector upstream = load(g, i);
            FloatVector slope = s.add(silu.sub(silu.mul(s)));
            store(upstream.mul(load(x, i)).mul(slope), ofZ, i);
            store(upstream.mul(silu), ofX, i);
        }
        if (i < n) {
            VectorMask<Float> m = rest(i, n);
            FloatVector t = load(z, i, m).add(load(bias, i, m));
            FloatVector s = VectorMath.sigmoid(t);
            FloatVector silu = t.mul(s);
            FloatVector upstream = load(g, i, m);
            FloatVector slope = s.add(silu.sub(silu.mul(s)));
            store(upstream.mul(load(x, i, m)).mul(slope), ofZ, i, m);
            store(upstream.mul(silu), ofX, i, m);
        }
    }

    @Override
    public void layerNorm(long y, long x, long weight, long bias, float epsilon, long statistics, int n) {
        float mean = sum(x, n) / n;
        FloatVector middle = FloatVector.broadcast(S, mean);
        FloatVector squares = FloatVector.zero(S);
        int i = 0;
        for (; i <= n - W; i += W) {
            FloatVector centered = load(x, i).sub(middle);
            squares = centered.fma(centered, squares);
        }
        if (i < n) {
            VectorMask<Float> m = rest(i, n);
            FloatVector centered = load(x, i, m).sub(middle, m);
            squares = centered.fma(centered, squares);
        }
        float inverse = (float) (1 / Math.sqrt(sumOfLanes(squares) / n + epsilon));
        Raw.put(statistics, mean);
        Raw.put(statistics + BYTES, inverse);
        FloatVector factor = FloatVector.broadcast(S, inverse);
        i = 0;
        for (; i <= n - W; i += W) {
            store(load(x, i).sub(middle).mul(factor).fma(load(weight, i), load(bias, i)), y, i);
        }
        if (i < n) {
            VectorMask<Float> m = rest(i, n);
            store(load(x, i, m).sub(middle).mul(factor).fma(load(weight, i, m), load(bias, i, m)), y, i, m);
        }
    }

    @Override
    public void layerNormGradient(
            long ofX, long g, long x, long weight, long statistics, long ofWeight, long ofBias, int n) {
        FloatVector mean = FloatVector.broadcast(S, Raw.get(statistics));
        FloatVector inverse = FloatVector.broadcast(S, Raw.get(statistics + BYTES));
        FloatVector sum = FloatVector.zero(S);
        FloatVector product = sum;
        int i = 0;
        for (; i <= n - W; i += W) {
            FloatVector normed = load(x, i).sub(mean).mul(inverse);
            FloatVector upstream = load(g, i);
            store(normed.fma(upstream, load(ofWeight, i)), ofWeight, i);
            store(upstream.add(load(ofBias, i)), ofBias, i);
            FloatVector weighted = upstream.mul(load(weight, i));
            sum = sum.add(weighted);
            product = weighted.fma(normed, product);
        }
        if (i < n) {
            VectorMask<Float> m = rest(i, n);
            FloatVector normed = load(x, i, m).sub(mean, m).mul(inverse);
            FloatVector upstream = load(g, i, m);
            store(normed.fma(upstream, load(ofWeight, i, m)), ofWeight, i, m);
            store(upstream.add(load(ofBias, i, m)), ofBias, i, m);
            FloatVector weighted = upstream.mul(load(weight, i, m));
            sum = sum.add(weighted);
            product = weighted.fma(normed, product);
        }
        FloatVector shift = FloatVector.broadcast(S, sumOfLanes(sum) / n);
        FloatVector slope = FloatVector.broadcast(S, sumOfLanes(product) / n);
        for (i = 0; i <= n - W; i += W) {
            FloatVector normed = load(x, i).sub(mean).mul(inverse);
            FloatVector weighted = load(g, i).mul(load(weight, i));
            store(weighted.sub(shift).sub(normed.mul(slope)).mul(inverse), ofX, i);
        }
        if (i < n) {
            VectorMask<Float> m = rest(i, n);
            FloatVector normed = load(x, i, m).sub(mean).mul(inverse);
            FloatVector weighted = load(g, i, m).mul(load(weight, i, m));
            store(weighted.sub(shift).sub(normed.mul(slope)).mul(inverse), ofX, i, m);
        }
    }

    @Override
    public void rmsNorm(long y, long x, long weight, float epsilon, long statistics, int n) {
        float inverse = (float) (1 / Math.sqrt(dot(x, x, n) / n + epsilon));
        Raw.put(statistics, inverse);
        for (int i = 0; i < n; i += W) {
            VectorMask<Float> m = rest(i, n);
            store(load(x, i, m).mul(inverse).mul(load(weight, i, m)), y, i, m);
        }
    }

    @Override
    public void rmsNormGradient(long ofX, long g, long x, long weight, long statistics, long ofWeight, int n) {
        float inverse = Raw.get(statistics);
        FloatVector product = FloatVector.zero(S);
        for (int i = 0; i < n; i += W) {
            VectorMask<Float> m = rest(i, n);
            FloatVector part = load(x, i, m).mul(inverse).mul(load(g, i, m));
            store(load(ofWeight, i, m).add(part), ofWeight, i, m);
            product = part.fma(load(weight, i, m), product);
        }
        float slope = sumOfLanes(product) / n * inverse;
        for (int i = 0; i < n; i += W) {
            VectorMask<Float> m = rest(i, n);
            FloatVector weighted = load(g, i, m).mul(load(weight, i, m));
            store(weighted.sub(load(x, i, m).mul(slope)).mul(inverse), ofX, i, m);
        }
    }

    @Override
    public void rotate(long y, long x, long cos, long sin, float sign, int half, int n) {
        long second = (long) half * BYTES;
        for (int i = 0; i < half; i += W) {
            VectorMask<Float> m = rest(i, half);
            FloatVector a = load(x, i, m);
            FloatVector b = load(x + second, i, m);
            FloatVector c = load(cos, i, m);
            FloatVector s = load(sin, i, m).mul(sign);
            store(a.mul(c).sub(b.mul(s)), y, i, m);
            store(b.mul(c).add(a.mul(s)), y + second, i, m);
        }
        if (y != x) {
            Raw.copy(y + 2 * second, x + 2 * second, n - 2L * half);
        }
    }

    @Override
    public void adam(long value, long gradient, long first, long second, AdamStep step, int n) {
        FloatVector scale = FloatVector.broadcast(S, step.scale());
        FloatVector fresh1 = FloatVector.broadcast(S, 1 - step.beta1());
        FloatVector fresh2 = FloatVector.broadcast(S, 1 - step.beta2());
        FloatVector beta1 = FloatVector.broadcast(S, step.beta1());
        FloatVector beta2 = FloatVector.broadcast(S, step.beta2());
        FloatVector kept = FloatVector.broadcast(S, step.kept());
        FloatVector rate = FloatVector.broadcast(S, step.rate());
        FloatVector root = FloatVector.broadcast(S, step.inverseRoot());
        FloatVector epsilon = FloatVector.broadcast(S, step.epsilon());
        int i = 0;
        for (; i <= n - W; i += W) {
            FloatVector g = load(gradient, i).mul(scale);
            FloatVector one = load(first, i).mul(beta1).add(g.mul(fresh1));
            FloatVector two = load(second, i).mul(beta2).add(g.mul(g).mul(fresh2));
            store(one, first, i);
            store(two, second, i);
            FloatVector deviation = two.sqrt().mul(root).add(epsilon);
            store(load(value, i).mul(kept).sub(one.mul(rate).div(deviation)), value, i);
        }
        if (i < n) {
            VectorMask<Float> m = rest(i, n);
            FloatVector g = load(gradient, i, m).mul(scale);
            FloatVector one = load(first, i, m).mul(beta1).add(g.mul(fresh1));
            FloatVector two = load(second, i, m).mul(beta2).add(g.mul(g).mul(fresh2));
            store(one, first, i, m);
            store(two, second, i, m);
            FloatVector deviation = two.sqrt().mul(root).add(epsilon);
            store(load(value, i, m).mul(kept).sub(one.mul(rate).div(deviation)), value, i, m);
        }
    }
}
