// Going over tiles by wgmma, for P = N = 64: one warpgroup per granule of the block's tile, operands in shared memory,
// the weights of the gradient from registers. Tiles by asynchronous copies, two stages.

#pragma once

#include "frobenius_tiles.cuh"
#include "wgmma.cuh"

static_assert(WGMMA, "FROB_P, FROB_N");

__device__ __forceinline__ Descriptor operand(unsigned address) { return descriptor<128, 16>(address); }

// d = A B', the granules' tiles [64, 64] both.
__device__ __forceinline__ void products(float (&d)[32], Descriptor a, Descriptor b) {
#pragma unroll
    for (int k = 0; k < 4; k++) wgmmaShared(d, a + k * 2, b + k * 2, k == 0);
}

template <bool ROW, bool GRAD>
__device__ __forceinline__ void overTiles(
    const Matrices &matrices, float *gradPart, float *sums, float *squarePart, float *diagPart) {
    const int lane = threadIdx.x & 31, warp = (threadIdx.x >> 5) & 3, wg = threadIdx.x >> 7;
    const int quadRow = lane >> 2, quadCol = (lane & 3) * 2;
    const Tiles<ROW> tiles(matrices);
    const int own = tiles.g0 + wg;
    int j = tiles.first();
    if (!ROW && j >= tiles.granules) return;
    tiles.loadFixedTiles();
    tiles.prefetch(j, 0);

    float fac[2], pre[2], lseRow[2], sum[2];
    const int row0 = own * GRANULE + warp * 16 + quadRow;
#pragma unroll
    for (int r = 0; r < 2; r++) {
        fac[r] = tiles.fixedFac[row0 + r * 8];
        pre[r] = tiles.prefix[row0 + r * 8];
        lseRow[r] = ROW ? tiles.lse[row0 + r * 8] : 0.0f;
        sum[r] = 0.0f;
    }
    const float firstPrefix = ROW ? tiles.prefix[tiles.tile * BM] : 0.0f;
    const float skip = *tiles.skip;
    Totals totals = {0.0f, 0.0f};
    float grad[32];
#pragma unroll
    for (int i = 0; i < 32; i++) grad[i] = 0.0f;
    // gap is this warpgroup's; blockGap that of the granule nearest to the stream, which decides.
    float gap = 0.0f, blockGap = 0.0f;
    const int nearest = ROW ? tiles.g0 : tiles.g0 + GRANULES - 1;
    const Descriptor ax = operand(tiles.fixedXs + wg * GRANULE * P * 2);
    const Descriptor ay = operand(tiles.fixedYs + wg * GRANULE * N * 2);

    int stage = 0;
    while (true) {
        waitCopies<0>();
        showToWgmma();
        __syncthreads();
        const float here = tiles.total[j];
        const int next = ROW ? j - 1 : j + 1;
        const bool inner = ROW ? j < own : j > own;
        const bool outside = ROW ? j > own : j < own;
        const float gapNext = inner ? gap + here : gap;
        const float blockGapNext = (ROW ? j < nearest : j > nearest) ? blockGap + here : blockGap;
        bool more;
        if (ROW) {
            more = next >= 0 && (next >= tiles.g0 || alive(blockGapNext, firstPrefix));
        } else {
            more = next < tiles.granules
                && (next < tiles.g0 + GRANULES || alive(blockGapNext, tiles.prefix[next * GRANULE]));
        }
        if (more) tiles.prefetch(next, stage ^ 1);

        if (!outside) {
            const unsigned streamXs = tiles.stages + stage * tiles.STAGE_BYTES;
            const Descriptor bx = operand(streamXs), by = operand(streamXs + GRANULE * P * 2);
            float x[32], y[32];
            wgmmaFence();
            products(x, ax, bx);
            wgmmaCommit();
            products(y, ay, by);
            wgmmaCommit();

            const float *vec = tiles.vectorsOf(stage);
            const float across = exp2Approx(gap);
            const float rowScale[2] = {fac[0] * across, fac[1] * across};
            // The teacher's exponentials run under the student's product.
            wgmmaWait<1>();
#pragma unroll
            for (int n = 0; n < 8; n++) {
                float2 l = make_float2(0.0f, 0.0f);
                if (!ROW) l = *(const float2 *)(vec + 128 + n * 8 + quadCol);
#pragma unroll
                for (int e = 0; e < 4; e++)
                    x[n * 4 + e] =
                        exp2Approx(fmaf(x[n * 4 + e], tiles.k2, -(ROW ? lseRow[e >> 1] : (e & 1) ? l.y : l.x)));
            }
            wgmmaWait<0>();
            // In halves, so that the first half's product for the gradient runs under the second's arithmetic.
#pragma unroll
            for (int half = 0; half < 2; half++) {
                unsigned a[2][4];
                if (inner) {
#pragma unroll
                    for (int i = 0; i < 4; i++) {
                        const int n = half * 4 + i;
                        const float2 v = *(const float2 *)(vec + n * 8 + quadCol);
                        float w[4];
#pragma unroll
                        for (int e = 0; e < 4; e++) {
                            const float decay = rowScale[e >> 1] * ((e & 1) ? v.y : v.x);
                            w[e] = offDiagonal<ROW>(x[n * 4 + e], y[n * 4 + e], decay, sum[e >> 1], totals);
                        }
                        a[i / 2][(i & 1) * 2] = toBf16Pair(w[0], w[1]);
                        a[i / 2][(i & 1) * 2 + 1] = toBf16Pair(w[2], w[3]);
                    }
                } else {
#pragma unroll
                    for (int i = 0; i < 4; i++) {
                        const int n = half * 4 + i, col = n * 8 + quadCol;
                        const float2 q = *(const float2 *)(vec + 64 + col);
                        float w[4];
#pragma unroll
                        for (int e = 0; e < 4; e++) {
                            const int fixed = row0 + (e >> 1) * 8, streamed = j * GRANULE + col + (e & 1);
                            const int t = ROW ? fixed : streamed, s = ROW ? streamed : fixed;
                            const bool valid = s <= t && t < tiles.T;
                            const float preStream = (e & 1) ? q.y : q.x;
                            const float difference = ROW ? pre[e >> 1] - preStream : preStream - pre[e >> 1];
                            const float decay = valid ? exp2Approx(difference) : 0.0f;
                            w[e] = aroundDiagonal<ROW>(
                                x[n * 4 + e], y[n * 4 + e], decay, valid, t, s, skip, sum[e >> 1], totals);
                        }
                        a[i / 2][(i & 1) * 2] = toBf16Pair(w[0], w[1]);
                        a[i / 2][(i & 1) * 2 + 1] = toBf16Pair(w[2], w[3]);
                    }
                }
                if (GRAD) {
                    wgmmaFence();
                    wgmmaRegisters<64>(grad, a[0], by + half * 256);
                    wgmmaRegisters<64>(grad, a[1], by + half * 256 + 128);
                    wgmmaCommit();
                }
            }
            if (GRAD) wgmmaWait<0>();
        }
        if (!more) break;
        gap = gapNext;
        blockGap = blockGapNext;
        j = next;
        stage ^= 1;
    }
    if (GRAD) storeGradient<ROW>(tiles, (const float(&)[N / 8][4])grad, sum, row0, gradPart, sums);
    if constexpr (ROW) storeTotals<GRAD>(tiles, totals, squarePart, diagPart);
}

// The body of frob_lse.
__device__ __forceinline__ void logSumExp(
    const Bf16 *q, const Bf16 *k, const float *prefix, const float *total, float *lse, float *deadPart, float scale,
    int T, int H, int Tp) {
    const int lane = threadIdx.x & 31, warp = (threadIdx.x >> 5) & 3, wg = threadIdx.x >> 7;
    const int quadRow = lane >> 2, quadCol = (lane & 3) * 2;
    const int bh = blockIdx.x, batch = bh / H, head = bh % H;
    const int tile = gridDim.y - 1 - blockIdx.y;
    const int g0 = tile * GRANULES, own = g0 + wg, granules = (T + GRANULE - 1) / GRANULE;
    const float k2 = scale * LOG2E;
    const Size stride = (Size)H * P, offset = (Size)batch * T * stride + (Size)head * P;
    const unsigned fixedXs = sharedAddress(sharedBytes), stages = fixedXs + BM * P * 2;
    const Descriptor ax = operand(fixedXs + wg * GRANULE * P * 2);
    total += (Size)bh * (Tp / GRANULE);

    int j = min(g0 + GRANULES - 1, granules - 1);
    loadTile<P, BM>(fixedXs, q + offset, stride, tile * BM, T);
    loadTile<P, GRANULE>(stages, k + offset, stride, j * GRANULE, T);
    commitCopies();

    float top[2] = {-1e30f, -1e30f}, mass[2] = {0.0f, 0.0f}, mass2[2] = {0.0f, 0.0f};
    const float firstPrefix = prefix[(Size)bh * Tp + tile * BM];
    float gap = 0.0f;
    bool dead = false;
    int stage = 0;
    while (true) {
        waitCopies<0>();
        showToWgmma();
        __syncthreads();
        const Descriptor bx = operand(stages + stage * (GRANULE * P * 2));
        if (j > 0) {
            loadTile<P, GRANULE>(
                stages + (stage ^ 1) * (GRANULE * P * 2), k + offset, stride, (j - 1) * GRANULE, T);
            commitCopies();
        }
        if (j <= own) {
            float x[32];
            wgmmaFence();
            products(x, ax, bx);
            wgmmaCommit();
            wgmmaWait<0>();
            if (j == own) {
#pragma unroll
                for (int i = 0; i < 32; i++)
                    if ((i >> 2) * 8 + quadCol + (i & 1) > warp * 16 + quadRow + ((i >> 1) & 1) * 8)
                        x[i] = -infinity();
            }
#pragma unroll
            for (int r = 0; r < 2; r++) {
                float most = top[r];
#pragma unroll
                for (int n = 0; n < 8; n++) most = fmaxf(most, fmaxf(x[n * 4 + r * 2], x[n * 4 + r * 2 + 1]));
                const float shrink = exp2Approx((top[r] - most) * k2), shift = most * k2;
                top[r] = most;
                float even = 0.0f, odd = 0.0f;
#pragma unroll
                for (int n = 0; n < 8; n++) {
                    x[n * 4 + r * 2] = exp2Approx(fmaf(x[n * 4 + r * 2], k2, -shift));
                    x[n * 4 + r * 2 + 1] = exp2Approx(fmaf(x[n * 4 + r * 2 + 1], k2, -shift));
                    even += x[n * 4 + r * 2];
                    odd += x[n * 4 + r * 2 + 1];
                }
                mass[r] = fmaf(mass[r], shrink, even + odd);
                mass2[r] *= shrink * shrink;
            }
            if (dead) {
#pragma unroll
                for (int i = 0; i < 32; i++) mass2[(i >> 1) & 1] = fmaf(x[i], x[i], mass2[(i >> 1) & 1]);
            }
        }
        if (j == 0) break;
        if (j < g0) gap += total[j];
        j--;
        dead = j < g0 && !alive(gap, firstPrefix);
        stage ^= 1;
    }
    float deadSum = 0.0f;
    storeLse(top, mass, mass2, k2, own * GRANULE + warp * 16 + quadRow, T, lse + (Size)bh * Tp, deadSum);
    deadSum = blockSum(deadSum, (float *)sharedBytes);
    if (threadIdx.x == 0) deadPart[bh * gridDim.y + tile] = deadSum;
}
