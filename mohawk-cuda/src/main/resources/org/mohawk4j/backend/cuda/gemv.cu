// Products of few rows with a weight, y = activation(x weightᵀ + bias): what generation does, and only as fast as the
// weight can be read. A warp takes one row of the weight [outputs, width], 16 bytes a lane at a time, and up to ROWS rows
// of x, which stay in cache. width is a multiple of 8.

#include "common.cuh"

enum { NONE, GELU_TANH, RELU, SILU };

__device__ inline float sigmoid(float x) { return 1.f / (1.f + __expf(-x)); }

__device__ inline float activate(int activation, float x) {
    switch (activation) {
        case GELU_TANH: return x * sigmoid(1.5957691216057308f * (x + 0.044715f * x * x * x));
        case RELU: return x != x || x > 0.f ? x : 0.f;
        case SILU: return x * sigmoid(x);
        default: return x;
    }
}

__device__ inline float dotOfPair(unsigned a, unsigned b, float sum) {
    sum = fmaf(__uint_as_float(a << 16), __uint_as_float(b << 16), sum);
    return fmaf(__uint_as_float(a & 0xffff0000u), __uint_as_float(b & 0xffff0000u), sum);
}

__device__ inline float dotOfEight(uint4 a, uint4 b, float sum) {
    return dotOfPair(a.w, b.w, dotOfPair(a.z, b.z, dotOfPair(a.y, b.y, dotOfPair(a.x, b.x, sum))));
}

template <int ROWS, typename Y>
__device__ inline void gemv(
    const Bf16 *x, const Bf16 *weight, const float *bias, Y *y, Size rows, Size outputs, Size width, int activation) {
    const int AT_ONCE = 4;
    letNextStart();
    Size output = (blockIdx.x * (Size)blockDim.x + threadIdx.x) / WARP;
    if (output >= outputs) return;
    int lane = threadIdx.x % WARP;
    Size eights = width / 8;
    const uint4 *own = (const uint4 *)(weight + output * width);
    float sums[ROWS] = {};
    uint4 next[AT_ONCE];
    Size i = lane;
    bool more = i + (AT_ONCE - 1) * WARP < eights;
    if (more)
#pragma unroll
        for (int k = 0; k < AT_ONCE; k++) next[k] = __ldcs(own + i + k * WARP);
    // a weight does not depend on what came before
    awaitPrevious();
    while (more) {
        uint4 w[AT_ONCE];
#pragma unroll
        for (int k = 0; k < AT_ONCE; k++) w[k] = next[k];
        Size at = i;
        i += AT_ONCE * WARP;
        more = i + (AT_ONCE - 1) * WARP < eights;
        if (more)
#pragma unroll
            for (int k = 0; k < AT_ONCE; k++) next[k] = __ldcs(own + i + k * WARP);
#pragma unroll
        for (int r = 0; r < ROWS; r++)
            if (r < rows)
#pragma unroll
                for (int k = 0; k < AT_ONCE; k++)
                    sums[r] = dotOfEight(w[k], ((const uint4 *)(x + r * width))[at + k * WARP], sums[r]);
    }
    for (; i < eights; i += WARP)
#pragma unroll
        for (int r = 0; r < ROWS; r++)
            if (r < rows) sums[r] = dotOfEight(own[i], ((const uint4 *)(x + r * width))[i], sums[r]);
#pragma unroll
    for (int r = 0; r < ROWS; r++) {
        float sum = combineWarp(SUM, sums[r]);
        if (lane == 0 && r < rows) put(y, r * outputs + output, activate(activation, bias ? sum + bias[output] : sum));
    }
}

#define GEMV(rows_, Y, suffix)                                                                                         \
    extern "C" __global__ void gemv_##rows_##_##suffix(                                                                \
        const Bf16 *x, const Bf16 *weight, const float *bias, Y *y, Size rows, Size outputs, Size width,               \
        int activation) {                                                                                              \
        gemv<rows_>(x, weight, bias, y, rows, outputs, width, activation);                                             \
    }

GEMV(1, Bf16, bf16)
GEMV(1, float, f32)
GEMV(4, Bf16, bf16)
GEMV(4, float, f32)
