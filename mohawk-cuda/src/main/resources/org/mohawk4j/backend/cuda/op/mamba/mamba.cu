// What a discrete Mamba-2 does between its two projections besides convolution and product: the decay, and the way around
// the state with the gate, (y + skip x) silu(z + bias). z and A_log lie in rows of what in_proj gives, one every `stride`
// numbers, and their gradients go into rows of the same kind; y, x and the result are [rows, width].

#include "common.cuh"

// -softplus(A_log), [rows, heads].
extern "C" __global__ void decay(const Bf16 *logits, float *y, Size n, Size heads, Size stride) {
    EACH(i, n) {
        float a = get(logits, quotient(i, heads) * stride + remainder(i, heads));
        y[i] = -(a != a ? a : (a > 0.f ? a : 0.f) + log1p(exp(-fabs(a))));
    }
}

extern "C" __global__ void decay_gradient(
    const float *dy, const Bf16 *logits, Bf16 *dLogits, Size n, Size heads, Size stride) {
    EACH(i, n) {
        Size at = quotient(i, heads) * stride + remainder(i, heads);
        put(dLogits, at, -dy[i] / (1.f + exp(-get(logits, at))));
    }
}

extern "C" __global__ void gate_around(
    const Bf16 *__restrict__ y, const Bf16 *__restrict__ x, const float *__restrict__ skips, const Bf16 *__restrict__ z,
    const float *__restrict__ bias, Bf16 *__restrict__ out, Size n, Size width, Size head, Size stride) {
    EACH(j, n / 4) {
        Size i = j * 4;
        Size column = remainder(i, width);
        float skip = skips[quotient(column, head)];
        Four<float> v = getFour(y, i);
        Four<float> way = getFour(x, i);
        Four<float> gates = getFour(z, quotient(i, width) * stride + column);
        Four<float> shift = getFour(bias, column);
        for (int k = 0; k < 4; k++) {
            float u = gates.at[k] + shift.at[k];
            v.at[k] = (v.at[k] + skip * way.at[k]) * u * sigmoidOf<Bf16>(u);
        }
        putFour(out, i, v);
    }
}

// The gradient of y, which times skip is what comes to x around the state, and that of z; sums over stretches of rows,
// which are added up after.
extern "C" __global__ void __launch_bounds__(256, 4) gate_around_gradient(
    const Bf16 *__restrict__ dOut, const Bf16 *__restrict__ y, const Bf16 *__restrict__ x,
    const float *__restrict__ skips, const Bf16 *__restrict__ z, const float *__restrict__ bias,
    Bf16 *__restrict__ dy, Bf16 *__restrict__ dz, float *__restrict__ skipSums, float *__restrict__ biasSums, Size rows,
    Size width, Size head, Size stride, Size length) {
    EACH(i, columnStretches<4>(rows, width, length)) {
        ColumnStretch s = columnStretch<4>(i, rows, width, length);
        float skip = skips[quotient(s.column, head)];
        Four<float> shift = getFour(bias, s.column), skipSum = {}, biasSum = {};
#pragma unroll 4
        for (Size row = s.from; row < s.to; row++) {
            Size at = row * width + s.column;
            Four<float> g = getFour(dOut, at);
            Four<float> v = getFour(y, at);
            Four<float> way = getFour(x, at);
            Four<float> u = getFour(z, row * stride + s.column);
            for (int k = 0; k < 4; k++) {
                float gate = u.at[k] + shift.at[k];
                float share = sigmoidOf<Bf16>(gate);
                float opened = gate * share;
                float mixed = v.at[k] + skip * way.at[k];
                u.at[k] = g.at[k] * mixed * (share + opened - opened * share);
                v.at[k] = g.at[k] * opened;
                skipSum.at[k] += v.at[k] * way.at[k];
                biasSum.at[k] += u.at[k];
            }
            putFour(dy, at, v);
            putFour(dz, row * stride + s.column, u);
        }
        putFour(skipSums, s.index * width + s.column, skipSum);
        putFour(biasSums, s.index * width + s.column, biasSum);
    }
}
