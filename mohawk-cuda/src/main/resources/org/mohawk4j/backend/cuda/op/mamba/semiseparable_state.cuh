// A state [P, N] of the semiseparable product, or its gradient, in the registers of four warps.

#pragma once

#include "semiseparable.cuh"

struct State {
    // Rows are shared by as many warps as there are blocks of 16, columns by what is left.
    static constexpr int ROW_WARPS = P / 16 < WARPS ? P / 16 : WARPS;
    static constexpr int COLUMN_WARPS = WARPS / ROW_WARPS < N / 16 ? WARPS / ROW_WARPS : N / 16;
    static constexpr int ROWS = P / ROW_WARPS;
    static constexpr int COLUMNS = N / COLUMN_WARPS;
    static constexpr int ROW_TILES = ROWS / 16;
    static constexpr int COLUMN_TILES = COLUMNS / 8;

    float v[ROW_TILES][COLUMN_TILES][4];
    int rowBase, columnBase;
    bool active;

    __device__ __forceinline__ State(int warp) {
        rowBase = (warp % ROW_WARPS) * ROWS;
        columnBase = (warp / ROW_WARPS) * COLUMNS;
        active = warp / ROW_WARPS < COLUMN_WARPS;
    }

    // Zero where there is no source.
    __device__ __forceinline__ void load(const float *source, const Lanes &l) {
#pragma unroll
        for (int i = 0; i < ROW_TILES; i++) {
#pragma unroll
            for (int j = 0; j < COLUMN_TILES; j++) {
#pragma unroll
                for (int half = 0; half < 2; half++) {
                    float2 w = make_float2(0, 0);
                    if (source != nullptr && active) {
                        w = *(const float2 *)(source + (rowBase + i * 16 + half * 8 + l.row) * N + columnBase + j * 8
                                              + l.pair * 2);
                    }
                    v[i][j][2 * half] = w.x;
                    v[i][j][2 * half + 1] = w.y;
                }
            }
        }
    }

    template <typename T>
    __device__ __forceinline__ void store(T *target, const Lanes &l) const {
        if (target == nullptr || !active) return;
#pragma unroll
        for (int i = 0; i < ROW_TILES; i++)
            storeTile<COLUMN_TILES>(target + (rowBase + i * 16) * N + columnBase, N, v[i], l, 16);
    }

    __device__ __forceinline__ void toShared(unsigned tile, const Lanes &l) const {
        if (!active) return;
#pragma unroll
        for (int i = 0; i < ROW_TILES; i++) {
            unsigned at = tile + ((rowBase + i * 16 + l.row) * N_ROW + columnBase + l.pair * 2) * 2;
#pragma unroll
            for (int j = 0; j < COLUMN_TILES; j++) {
                storeShared(at + j * 16, toBf16Pair(v[i][j][0], v[i][j][1]));
                storeShared(at + j * 16 + 8 * N_ROW * 2, toBf16Pair(v[i][j][2], v[i][j][3]));
            }
        }
    }

    // state = exp(s_Q) state + sum_t w_t left_t right_t^T, with w_t = exp(s_Q - s_t) where REVERSED, else exp(s_t).
    template <bool REVERSED>
    __device__ __forceinline__ void advance(
        unsigned left, unsigned right, unsigned cumulative, float last, const Lanes &l) {
        if (!active) return;
        float keep = exp2Approx(last);
#pragma unroll
        for (int i = 0; i < ROW_TILES; i++) scaleRows<COLUMN_TILES>(v[i], keep, keep);
        unsigned leftHigh = l.high(left, X_ROW) + rowBase * 2;
        unsigned rightLow = l.low(right, N_ROW) + columnBase * 2;
#pragma unroll
        for (int k = 0; k < CHUNK / 16; k++) {
            float2 near = sharedFloat2(cumulative + (k * 16 + l.pair * 2) * 4);
            float2 far = sharedFloat2(cumulative + (k * 16 + 8 + l.pair * 2) * 4);
            float w0 = exp2Approx(REVERSED ? last - near.x : near.x);
            float w1 = exp2Approx(REVERSED ? last - near.y : near.y);
            float w2 = exp2Approx(REVERSED ? last - far.x : far.x);
            float w3 = exp2Approx(REVERSED ? last - far.y : far.y);
            unsigned a[ROW_TILES][4];
#pragma unroll
            for (int i = 0; i < ROW_TILES; i++) {
                ldmatrixTransposed(a[i], leftHigh + (k * 16 * X_ROW + i * 16) * 2);
                a[i][0] = toBf16Pair(w0 * lowerBf16(a[i][0]), w1 * upperBf16(a[i][0]));
                a[i][1] = toBf16Pair(w0 * lowerBf16(a[i][1]), w1 * upperBf16(a[i][1]));
                a[i][2] = toBf16Pair(w2 * lowerBf16(a[i][2]), w3 * upperBf16(a[i][2]));
                a[i][3] = toBf16Pair(w2 * lowerBf16(a[i][3]), w3 * upperBf16(a[i][3]));
            }
#pragma unroll
            for (int j = 0; j < COLUMN_TILES; j += 2) {
                unsigned f[4];
                ldmatrixTransposed(f, rightLow + (k * 16 * N_ROW + j * 8) * 2);
#pragma unroll
                for (int i = 0; i < ROW_TILES; i++) {
                    mma(v[i][j], a[i], f[0], f[1]);
                    mma(v[i][j + 1], a[i], f[2], f[3]);
                }
            }
        }
    }

    // This warp's share of the inner product with a state in shared memory.
    __device__ __forceinline__ float product(unsigned tile, const Lanes &l) const {
        float sum = 0;
        if (active) {
#pragma unroll
            for (int i = 0; i < ROW_TILES; i++) {
                unsigned at = tile + ((rowBase + i * 16 + l.row) * N_ROW + columnBase + l.pair * 2) * 2;
#pragma unroll
                for (int j = 0; j < COLUMN_TILES; j++) {
                    unsigned upper = sharedWord(at + j * 16);
                    unsigned lower = sharedWord(at + j * 16 + 8 * N_ROW * 2);
                    sum += v[i][j][0] * lowerBf16(upper) + v[i][j][1] * upperBf16(upper);
                    sum += v[i][j][2] * lowerBf16(lower) + v[i][j][3] * upperBf16(lower);
                }
            }
        }
        return combineWarp(SUM, sum);
    }
};
