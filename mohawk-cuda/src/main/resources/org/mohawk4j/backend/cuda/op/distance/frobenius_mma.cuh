// Going over tiles by mma.sync: each of four warps holds GRANULES blocks of 16 rows, one of each granule of the block's
// tile, so that a right operand read once serves that many products. Tiles by asynchronous copies, two stages.

#pragma once

#include "frobenius_tiles.cuh"
#include "tensor_core.cuh"

// Columns that a warp carries from product to product at once: fewer cost fewer registers.
constexpr int COLUMNS = GRANULES == 2 ? 16 : 32;

// Left operands of the warp's blocks of 16 rows; block m lies in granule m of the tile, so that none straddles
// granules.
template <int DIM>
__device__ __forceinline__ void loadFixed(unsigned (&a)[GRANULES][DIM / 16][4], unsigned tile) {
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
#pragma unroll
    for (int m = 0; m < GRANULES; m++)
#pragma unroll
        for (int k = 0; k < DIM / 16; k++)
            ldmatrix(a[m][k], tile + swizzled<DIM>(m * GRANULE + warp * 16 + (lane & 15), k * 2 + (lane >> 4)));
}

template <int TILES>
__device__ __forceinline__ void clear(float (&d)[GRANULES][TILES][4]) {
#pragma unroll
    for (int m = 0; m < GRANULES; m++)
#pragma unroll
        for (int n = 0; n < TILES; n++)
#pragma unroll
            for (int e = 0; e < 4; e++) d[m][n][e] = 0.0f;
}

// d[m][n] += fixed rows . streamed rows, for the streamed rows column0 .. column0 + 8 TILES.
template <int DIM, int TILES>
__device__ __forceinline__ void addProduct(
    float (&d)[GRANULES][TILES][4], const unsigned (&fixed)[GRANULES][DIM / 16][4], unsigned tile, int column0) {
    const int lane = threadIdx.x & 31;
    const int row = column0 + (lane & 7) + ((lane >> 4) << 3), half = (lane >> 3) & 1;
#pragma unroll
    for (int k = 0; k < DIM / 16; k++)
#pragma unroll
        for (int n = 0; n < TILES; n += 2) {
            unsigned r[4];
            ldmatrix(r, tile + swizzled<DIM>(row + n * 8, k * 2 + half));
#pragma unroll
            for (int m = 0; m < GRANULES; m++) {
                mma(d[m][n], fixed[m][k], r[0], r[1]);
                mma(d[m][n + 1], fixed[m][k], r[2], r[3]);
            }
        }
}

template <bool ROW, bool GRAD>
__device__ __forceinline__ void overTiles(
    const Matrices &matrices, float *gradPart, float *sums, float *squarePart, float *diagPart) {
    constexpr int TILES = COLUMNS / 8;
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    const int quadRow = lane >> 2, quadCol = (lane & 3) * 2;
    const Tiles<ROW> tiles(matrices);
    int j = tiles.first();
    if (!ROW && j >= tiles.granules) return;
    tiles.loadFixedTiles();
    tiles.prefetch(j, 0);

    float fac[GRANULES][2], pre[GRANULES][2], lseRow[GRANULES][2], sum[GRANULES][2], gap[GRANULES];
#pragma unroll
    for (int m = 0; m < GRANULES; m++) {
        gap[m] = 0.0f;
#pragma unroll
        for (int r = 0; r < 2; r++) {
            const int t = tiles.tile * BM + m * GRANULE + warp * 16 + quadRow + r * 8;
            fac[m][r] = tiles.fixedFac[t];
            pre[m][r] = tiles.prefix[t];
            lseRow[m][r] = ROW ? tiles.lse[t] : 0.0f;
            sum[m][r] = 0.0f;
        }
    }
    const float firstPrefix = ROW ? tiles.prefix[tiles.tile * BM] : 0.0f;
    const float skip = *tiles.skip;
    Totals totals = {0.0f, 0.0f};
    float grad[GRANULES][N / 8][4];
    clear<N / 8>(grad);

    unsigned fragX[GRANULES][P / 16][4], fragY[GRANULES][N / 16][4];
    bool first = true;
    int stage = 0;
    while (true) {
        waitCopies<0>();
        __syncthreads();
        if (first) {
            loadFixed<P>(fragX, tiles.fixedXs);
            loadFixed<N>(fragY, tiles.fixedYs);
            first = false;
        }
        const float here = tiles.total[j];
        const int next = ROW ? j - 1 : j + 1;
        float gapNext[GRANULES];
#pragma unroll
        for (int m = 0; m < GRANULES; m++) {
            const bool off = ROW ? j < tiles.g0 + m : j > tiles.g0 + m;
            gapNext[m] = off ? gap[m] + here : gap[m];
        }
        bool more;
        if (ROW) {
            more = next >= 0 && (next >= tiles.g0 || alive(gapNext[0], firstPrefix));
        } else {
            more = next < tiles.granules
                && (next < tiles.g0 + GRANULES || alive(gapNext[GRANULES - 1], tiles.prefix[next * GRANULE]));
        }
        if (more) tiles.prefetch(next, stage ^ 1);

        const unsigned streamXs = tiles.stages + stage * tiles.STAGE_BYTES, streamYs = streamXs + GRANULE * P * 2;
        const float *vec = tiles.vectorsOf(stage);
        float rowScale[GRANULES][2];
#pragma unroll
        for (int m = 0; m < GRANULES; m++) {
            const float across = exp2Approx(gap[m]);
            rowScale[m][0] = fac[m][0] * across;
            rowScale[m][1] = fac[m][1] * across;
        }

#pragma unroll 1
        for (int column0 = 0; column0 < GRANULE; column0 += COLUMNS) {
            float x[GRANULES][TILES][4], y[GRANULES][TILES][4];
            clear<TILES>(x);
            clear<TILES>(y);
            addProduct<P, TILES>(x, fragX, streamXs, column0);
            addProduct<N, TILES>(y, fragY, streamYs, column0);

            unsigned a[GRANULES][TILES / 2][4];
#pragma unroll
            for (int m = 0; m < GRANULES; m++) {
                const bool inner = ROW ? j < tiles.g0 + m : j > tiles.g0 + m;
#pragma unroll
                for (int n = 0; n < TILES; n++) {
                    const int col = column0 + n * 8 + quadCol;
                    const float2 v = *(const float2 *)(vec + col);
                    float2 l = make_float2(0.0f, 0.0f);
                    if (!ROW) l = *(const float2 *)(vec + 128 + col);
                    float w[4];
                    if (inner) {
#pragma unroll
                        for (int e = 0; e < 4; e++) {
                            const float lse = ROW ? lseRow[m][e >> 1] : (e & 1) ? l.y : l.x;
                            const float p = exp2Approx(fmaf(x[m][n][e], tiles.k2, -lse));
                            const float decay = rowScale[m][e >> 1] * ((e & 1) ? v.y : v.x);
                            w[e] = offDiagonal<ROW>(p, y[m][n][e], decay, sum[m][e >> 1], totals);
                        }
                    } else {
                        const float2 q = *(const float2 *)(vec + 64 + col);
#pragma unroll
                        for (int e = 0; e < 4; e++) {
                            const int fixed = tiles.tile * BM + m * GRANULE + warp * 16 + quadRow + (e >> 1) * 8;
                            const int streamed = j * GRANULE + col + (e & 1);
                            const int t = ROW ? fixed : streamed, s = ROW ? streamed : fixed;
                            const bool valid = s <= t && t < tiles.T;
                            const float preStream = (e & 1) ? q.y : q.x;
                            const float difference = ROW ? pre[m][e >> 1] - preStream : preStream - pre[m][e >> 1];
                            const float decay = valid ? exp2Approx(difference) : 0.0f;
                            const float lse = ROW ? lseRow[m][e >> 1] : (e & 1) ? l.y : l.x;
                            const float p = exp2Approx(fmaf(x[m][n][e], tiles.k2, -lse));
                            w[e] = aroundDiagonal<ROW>(
                                p, y[m][n][e], decay, valid, t, s, skip, sum[m][e >> 1], totals);
                        }
                    }
                    a[m][n / 2][(n & 1) * 2] = toBf16Pair(w[0], w[1]);
                    a[m][n / 2][(n & 1) * 2 + 1] = toBf16Pair(w[2], w[3]);
                }
            }
            if (GRAD) {
#pragma unroll
                for (int k = 0; k < TILES / 2; k++)
#pragma unroll
                    for (int n = 0; n < N / 16; n++) {
                        unsigned r[4];
                        ldmatrixTransposed(
                            r, streamYs + swizzled<N>(column0 + k * 16 + (lane & 15), n * 2 + (lane >> 4)));
#pragma unroll
                        for (int m = 0; m < GRANULES; m++) {
                            mma(grad[m][n * 2], a[m][k], r[0], r[1]);
                            mma(grad[m][n * 2 + 1], a[m][k], r[2], r[3]);
                        }
                    }
            }
        }
        if (!more) break;
#pragma unroll
        for (int m = 0; m < GRANULES; m++) gap[m] = gapNext[m];
        j = next;
        stage ^= 1;
    }
    if (GRAD) {
#pragma unroll
        for (int m = 0; m < GRANULES; m++)
            storeGradient<ROW>(
                tiles, grad[m], sum[m], tiles.tile * BM + m * GRANULE + warp * 16 + quadRow, gradPart, sums);
    }
    if constexpr (ROW) storeTotals<GRAD>(tiles, totals, squarePart, diagPart);
}

// The body of frob_lse.
__device__ __forceinline__ void logSumExp(
    const Bf16 *q, const Bf16 *k, const float *prefix, const float *total, float *lse, float *deadPart, float scale,
    int T, int H, int Tp) {
    constexpr int TILES = GRANULE / 8 / GRANULES;
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    const int quadRow = lane >> 2, quadCol = (lane & 3) * 2;
    const int bh = blockIdx.x, batch = bh / H, head = bh % H;
    const int tile = gridDim.y - 1 - blockIdx.y;
    const int g0 = tile * GRANULES, granules = (T + GRANULE - 1) / GRANULE;
    const float k2 = scale * LOG2E;
    const Size stride = (Size)H * P, offset = (Size)batch * T * stride + (Size)head * P;
    const unsigned fixedXs = sharedAddress(sharedBytes), stages = fixedXs + BM * P * 2;
    total += (Size)bh * (Tp / GRANULE);

    int j = min(g0 + GRANULES - 1, granules - 1);
    loadTile<P, BM>(fixedXs, q + offset, stride, tile * BM, T);
    loadTile<P, GRANULE>(stages, k + offset, stride, j * GRANULE, T);
    commitCopies();

    float top[GRANULES][2], mass[GRANULES][2], mass2[GRANULES][2];
#pragma unroll
    for (int m = 0; m < GRANULES; m++)
#pragma unroll
        for (int r = 0; r < 2; r++) {
            top[m][r] = -1e30f;
            mass[m][r] = mass2[m][r] = 0.0f;
        }
    const float firstPrefix = prefix[(Size)bh * Tp + tile * BM];
    unsigned frag[GRANULES][P / 16][4];
    float gap = 0.0f;
    bool dead = false, first = true;
    int stage = 0;
    while (true) {
        waitCopies<0>();
        __syncthreads();
        if (first) {
            loadFixed<P>(frag, fixedXs);
            first = false;
        }
        const unsigned streamXs = stages + stage * (GRANULE * P * 2);
        if (j > 0) {
            loadTile<P, GRANULE>(
                stages + (stage ^ 1) * (GRANULE * P * 2), k + offset, stride, (j - 1) * GRANULE, T);
            commitCopies();
        }
#pragma unroll 1
        for (int column0 = 0; column0 < GRANULE; column0 += TILES * 8) {
            float x[GRANULES][TILES][4];
            clear<TILES>(x);
            addProduct<P, TILES>(x, frag, streamXs, column0);
#pragma unroll
            for (int m = 0; m < GRANULES; m++) {
                if (j > g0 + m) continue;
                if (j == g0 + m) {
#pragma unroll
                    for (int n = 0; n < TILES; n++)
#pragma unroll
                        for (int e = 0; e < 4; e++)
                            if (column0 + n * 8 + quadCol + (e & 1) > warp * 16 + quadRow + (e >> 1) * 8)
                                x[m][n][e] = -infinity();
                }
#pragma unroll
                for (int r = 0; r < 2; r++) {
                    float most = top[m][r];
#pragma unroll
                    for (int n = 0; n < TILES; n++) most = fmaxf(most, fmaxf(x[m][n][r * 2], x[m][n][r * 2 + 1]));
                    const float shrink = exp2Approx((top[m][r] - most) * k2), shift = most * k2;
                    top[m][r] = most;
                    float sum = 0.0f, sum2 = 0.0f;
#pragma unroll
                    for (int n = 0; n < TILES; n++)
#pragma unroll
                        for (int e = 0; e < 2; e++) {
                            const float p = exp2Approx(fmaf(x[m][n][r * 2 + e], k2, -shift));
                            sum += p;
                            if (dead) sum2 = fmaf(p, p, sum2);
                        }
                    mass[m][r] = fmaf(mass[m][r], shrink, sum);
                    mass2[m][r] = fmaf(mass2[m][r], shrink * shrink, sum2);
                }
            }
        }
        if (j == 0) break;
        if (j < g0) gap += total[j];
        j--;
        dead = j < g0 && !alive(gap, firstPrefix);
        stage ^= 1;
    }
    float deadSum = 0.0f;
#pragma unroll
    for (int m = 0; m < GRANULES; m++)
        storeLse(
            top[m], mass[m], mass2[m], k2, tile * BM + m * GRANULE + warp * 16 + quadRow, T, lse + (Size)bh * Tp,
            deadSum);
    deadSum = blockSum(deadSum, (float *)sharedBytes);
    if (threadIdx.x == 0) deadPart[bh * gridDim.y + tile] = deadSum;
}
