// The rows of x that projections.cu multiplies, normalized or as they are, in shared memory.

#pragma once

#include "weight_pieces.cuh"

// Groups of four numbers of a row that a thread keeps while it is normalized: rows of up to 8,192.
#define FOURS (2048 / THREADS)

// Copies rows [rows, width] into shared memory, pitch elements apart, padded with zeros to whole pieces.
__device__ inline void loadRows(const Bf16 *from, Bf16 *to, int rows, int width, int pitch) {
    int all = (width + CHUNK - 1) / CHUNK * CHUNK;
    for (int r = 0; r < rows; r++)
        for (int i = threadIdx.x * 8; i < all; i += THREADS * 8) {
            // past L1, which may hold stale lines
            uint4 v = i < width ? __ldcg((const uint4 *)(from + (Size)r * width + i)) : make_uint4(0, 0, 0, 0);
            *(uint4 *)(to + r * pitch + i) = make_uint4(v.x, v.z, v.y, v.w);
        }
}

// Stores four neighbors of a row of x in the order of pairs that the products read.
__device__ inline void putOrdered(Bf16 *row, int i, const Four<float> &v) {
    unsigned *at = (unsigned *)(row + (i & ~7)) + (i & 4) / 4;
    at[0] = toBf16Pair(v.at[0], v.at[1]);
    at[2] = toBf16Pair(v.at[2], v.at[3]);
}

// Every thread gets the sum. Two calls in a row need two places.
__device__ inline float sumOfThreads(float x, float *place) {
    x = combineWarp(SUM, x);
    if (threadIdx.x % WARP == 0) place[threadIdx.x / WARP] = x;
    syncFirst<THREADS>();
    float sum = 0.f;
#pragma unroll
    for (int w = 0; w < WARPS; w++) sum += place[w];
    return sum;
}

// Normalizes rows, with a scale and a shift; without a shift by the root of the mean square.
struct Norm {
    const float *scale;
    const float *shift;
    int width;

    // The groups of a row that this thread takes.
    template <typename Body>
    __device__ inline void eachGroup(Body body) const {
#pragma unroll
        for (int slot = 0; slot < FOURS; slot++) {
            if (slot * THREADS * 4 >= width) break;
            int i = 4 * (slot * THREADS + threadIdx.x);
            if (i < width) body(slot, i);
        }
    }

    __device__ inline void prefetch() const {
        eachGroup([&](int, int i) {
            prefetchL2(scale + i);
            if (shift) prefetchL2(shift + i);
        });
    }

    __device__ inline void apply(const float *from, double epsilon, Bf16 *to, int rows, int pitch) const {
        __shared__ float places[2][WARPS];
        for (int r = 0; r < rows; r++) {
            Four<float> kept[FOURS], scales[FOURS];
            float sum = 0.f, squares = 0.f;
            eachGroup([&](int slot, int i) {
                float4 v = __ldcg((const float4 *)(from + (Size)r * width + i));
                kept[slot] = {{v.x, v.y, v.z, v.w}};
                scales[slot] = getFour(scale, i);
            });
            eachGroup([&](int slot, int) {
                const float *v = kept[slot].at;
                sum += (v[0] + v[1]) + (v[2] + v[3]);
            });
            float mean = shift ? sumOfThreads(sum, places[0]) / width : 0.f;
            eachGroup([&](int slot, int) {
                float *v = kept[slot].at;
                for (int k = 0; k < 4; k++) v[k] -= mean;
                squares += (v[0] * v[0] + v[1] * v[1]) + (v[2] * v[2] + v[3] * v[3]);
            });
            float rate = 1.f / sqrtf(sumOfThreads(squares, places[1]) / width + (float)epsilon);
            eachGroup([&](int slot, int i) {
                Four<float> b = shift ? getFour(shift, i) : Four<float>{};
                for (int k = 0; k < 4; k++) b.at[k] += kept[slot].at[k] * rate * scales[slot].at[k];
                putOrdered(to + r * pitch, i, b);
            });
            for (int i = width + 4 * threadIdx.x; i < (width + CHUNK - 1) / CHUNK * CHUNK; i += THREADS * 4)
                putOrdered(to + r * pitch, i, {});
            // the next row's sums take the place of this one's
            if (!shift) syncFirst<THREADS>();
        }
    }
};
