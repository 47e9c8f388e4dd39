// What the two ways of going over tiles of both matrices, by mma.sync and by wgmma, have in common.

#pragma once

#include "frobenius.cuh"

// A block's part of the problem, and how its tiles come to shared memory. ROW: the block owns rows t (fixed operands q,
// c) and streams k, b leftwards from the diagonal. Otherwise it owns columns s (fixed operands k, b) and streams q, c
// downwards from the diagonal.
template <bool ROW>
struct Tiles {
    static constexpr unsigned STAGE_BYTES = GRANULE * (P + N) * 2;
    // Vectors of a stage: factor, prefix, and, for columns, lse.
    static constexpr int VECTOR_BYTES = 3 * GRANULE * 4;

    int bh, batch, head, tile, g0, granules, T, H, Tp;
    const Bf16 *fixedX, *fixedY, *streamX, *streamY;
    Size strideX, strideY;
    const float *lse, *prefix, *streamFac, *fixedFac, *total, *skip;
    float k2;
    unsigned fixedXs, fixedYs, stages, vectors;

    __device__ __forceinline__ Tiles(const Matrices &m) {
        const int pair = blockIdx.x, b = pair / m.H, h = pair % m.H, group = h / (m.H / m.G);
        bh = pair;
        batch = b;
        head = h;
        // The longest tiles first: short ones then fill the tail of the launch.
        tile = ROW ? (int)(gridDim.y - 1 - blockIdx.y) : (int)blockIdx.y;
        g0 = tile * GRANULES;
        granules = (m.T + GRANULE - 1) / GRANULE;
        T = m.T;
        H = m.H;
        Tp = m.Tp;
        k2 = m.scale * LOG2E;
        strideX = (Size)m.H * P;
        strideY = (Size)m.G * N;
        const Size offsetX = (Size)b * m.T * strideX + (Size)h * P;
        const Size offsetY = (Size)b * m.T * strideY + (Size)group * N;
        fixedX = (ROW ? m.q : m.k) + offsetX;
        streamX = (ROW ? m.k : m.q) + offsetX;
        fixedY = (ROW ? m.c : m.b) + offsetY;
        streamY = (ROW ? m.b : m.c) + offsetY;
        lse = m.lse + (Size)pair * m.Tp;
        prefix = m.prefix + (Size)pair * m.Tp;
        const float *rowFac = m.rowFac + (Size)pair * m.Tp, *colFac = m.colFac + (Size)pair * m.Tp;
        total = m.total + (Size)pair * (m.Tp / GRANULE);
        streamFac = ROW ? colFac : rowFac;
        fixedFac = ROW ? rowFac : colFac;
        skip = m.skip + h;
        fixedXs = sharedAddress(sharedBytes);
        fixedYs = fixedXs + BM * P * 2;
        stages = fixedYs + BM * N * 2;
        vectors = stages + 2 * STAGE_BYTES;
    }

    // The granule at which the block begins.
    __device__ __forceinline__ int first() const { return ROW ? min(g0 + GRANULES - 1, granules - 1) : g0; }

    __device__ __forceinline__ void loadFixedTiles() const {
        loadTile<P, BM>(fixedXs, fixedX, strideX, tile * BM, T);
        loadTile<N, BM>(fixedYs, fixedY, strideY, tile * BM, T);
    }

    __device__ __forceinline__ void prefetch(int j, int stage) const {
        const unsigned at = stages + stage * STAGE_BYTES;
        loadTile<P, GRANULE>(at, streamX, strideX, j * GRANULE, T);
        loadTile<N, GRANULE>(at + GRANULE * P * 2, streamY, strideY, j * GRANULE, T);
        const int i = threadIdx.x;
        if (i < (ROW ? 32 : 48)) {
            const float *v = i < 16 ? streamFac : i < 32 ? prefix : lse;
            copyAsync<16>(vectors + stage * VECTOR_BYTES + i * 16, v + j * GRANULE + (i & 15) * 4, true);
        }
        commitCopies();
    }

    __device__ __forceinline__ const float *vectorsOf(int stage) const {
        return (const float *)(sharedBytes + (BM + 2 * GRANULE) * (P + N) * 2) + stage * (VECTOR_BYTES / 4);
    }
};

// What a thread adds up over all its pairs (t,s), with E = M' - M: E^2, and E on the diagonal.
struct Totals {
    float square, diagonal;
};

// One pair: returns the weight E L, which times b or c is the gradient, and adds E M' to the sum of its row (ROW) or
// column. p is the teacher's entry, product c_t . b_s.
template <bool ROW>
__device__ __forceinline__ float offDiagonal(float p, float product, float decay, float &sum, Totals &totals) {
    const float student = product * decay;
    const float error = student - p;
    if (ROW) totals.square = fmaf(error, error, totals.square);
    sum = fmaf(error, student, sum);
    return error * decay;
}

// The same in the granule of the diagonal. A pair that is not valid, past T or above the diagonal, has decay zero; on
// the diagonal the student has its skip as well, and E M' is left out.
template <bool ROW>
__device__ __forceinline__ float aroundDiagonal(
    float p, float product, float decay, bool valid, int t, int s, float skip, float &sum, Totals &totals) {
    const float student = product * decay;
    float error = valid ? student - p : 0.0f;
    if (valid && s == t) {
        error += skip;
        totals.diagonal += error;
    } else {
        sum = fmaf(error, student, sum);
    }
    if (ROW) totals.square = fmaf(error, error, totals.square);
    return error * decay;
}

// Two rows of a gradient [B,T,H,N] of a thread, 8 columns a step, and the sums that belong to them.
template <bool ROW>
__device__ __forceinline__ void storeGradient(
    const Tiles<ROW> &tiles, const float (&grad)[N / 8][4], const float (&sum)[2], int row, float *gradPart,
    float *sums) {
    const int lane = threadIdx.x & 31;
#pragma unroll
    for (int r = 0; r < 2; r++) {
        const int t = row + r * 8;
        const float s = quadSum(sum[r]);
        if (t < tiles.T) {
            if ((lane & 3) == 0) sums[(Size)tiles.bh * tiles.Tp + t] = s;
            const Size at = (((Size)tiles.batch * tiles.T + t) * tiles.H + tiles.head) * N + (lane & 3) * 2;
#pragma unroll
            for (int n = 0; n < N / 8; n++)
                *(float2 *)(gradPart + at + n * 8) = make_float2(grad[n][r * 2], grad[n][r * 2 + 1]);
        }
    }
}

template <bool GRAD>
__device__ __forceinline__ void storeTotals(
    const Tiles<true> &tiles, const Totals &totals, float *squarePart, float *diagPart) {
    // Tiles are read to the last: only blockSum's first barrier frees their memory.
    float *scratch = (float *)sharedBytes;
    const float squares = blockSum(totals.square, scratch);
    const float diagonals = blockSum(totals.diagonal, scratch + 8);
    if (threadIdx.x == 0) {
        squarePart[tiles.bh * gridDim.y + tiles.tile] = squares;
        if (GRAD) diagPart[tiles.bh * gridDim.y + tiles.tile] = diagonals;
    }
}

// The log-sum-exp of two rows of a thread, in log2 units, +inf past T. Each thread keeps the maximum of its own
// columns, and masses, the sums of p and of the dead p^2, relative to it; the quad's four are merged only here. The
// maximum starts finite, so that a thread with every column masked sees no inf - inf.
__device__ __forceinline__ void storeLse(
    const float (&top)[2], const float (&mass)[2], const float (&mass2)[2], float k2, int row, int T, float *lse,
    float &deadSum) {
#pragma unroll
    for (int r = 0; r < 2; r++) {
        const int t = row + r * 8;
        const float most = quadMax(top[r]);
        const float shrink = exp2Approx((top[r] - most) * k2);
        const float l = quadSum(mass[r] * shrink), l2 = quadSum(mass2[r] * shrink * shrink);
        if ((threadIdx.x & 3) == 0) {
            lse[t] = t < T ? fmaf(most, k2, log2f(l)) : infinity();
            if (t < T) deadSum += l2 / (l * l);
        }
    }
}
