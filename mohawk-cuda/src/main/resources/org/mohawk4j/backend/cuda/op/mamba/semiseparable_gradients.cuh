// The gradients of one chunk of the semiseparable product, for semiseparable_backward.cu, which has the equations: what
// lies where in shared memory, and what a warp does there.

#pragma once

#include "semiseparable_state.cuh"

constexpr int ROLES = P + N > 128 ? 2 : 1;
constexpr int THREADS = ROLE_THREADS * ROLES;
constexpr int X_TILES = P / 8;
constexpr int N_TILES = N / 8;

// A stage holds what one chunk reads: x, b, c, dy, the state before it and the decay. Offsets in bytes.
constexpr int B_TILE = X_TILE_BYTES;
constexpr int C_TILE = B_TILE + N_TILE_BYTES;
constexpr int DY_TILE = C_TILE + N_TILE_BYTES;
constexpr int PREVIOUS = DY_TILE + X_TILE_BYTES;
constexpr int DECAY = PREVIOUS + STATE_TILE_BYTES;
constexpr int STAGE_BYTES = DECAY + DECAY_BYTES;
// Sums for the decay gradient of one chunk: of L G E by row group and step t, and by step r; I, J, and one term of
// <R, S_prev> a warp.
constexpr int COLUMN_SUMS = ROW_GROUPS * DECAY_BYTES;
constexpr int OUTGOING = COLUMN_SUMS + DECAY_BYTES;
constexpr int INCOMING = OUTGOING + DECAY_BYTES;
constexpr int BOUNDARY = INCOMING + DECAY_BYTES;
constexpr int SUMS_BYTES = BOUNDARY + WARPS * 4;
constexpr int FIXED = 2 * STATE_TILE_BYTES + 2 * DECAY_BYTES + 2 * SUMS_BYTES;
constexpr int STAGES = 2 * STAGE_BYTES + FIXED <= MOST_SHARED_BYTES ? 2 : 1;
constexpr int GRADIENTS = STAGES * STAGE_BYTES;
constexpr int CUMULATIVE = GRADIENTS + 2 * STATE_TILE_BYTES;
constexpr int SUMS = CUMULATIVE + 2 * DECAY_BYTES;
constexpr int SHARED_BYTES = SUMS + 2 * SUMS_BYTES;

// A chunk as a warp sees it: addresses in shared memory, the 16 steps that are its rows, and s of the lane's two and of
// the last step.
struct Chunk {
    unsigned stage, gradient, sums, cumulative;
    int rowGroup, firstRow;
    float last, upper, lower;
};

// A number for each of a lane's two rows, which the four lanes of a row share.
__device__ __forceinline__ void storeOfRows(unsigned sums, float2 v, const Chunk &k, const Lanes &l) {
    if (l.pair == 0) {
        storeShared(sums + (k.firstRow + l.row) * 4, v.x);
        storeShared(sums + (k.firstRow + l.row + 8) * 4, v.y);
    }
}

// Two sums over the four lanes of a row, side by side.
__device__ __forceinline__ float2 quadSums(float2 v) {
    v.x += __shfl_xor_sync(ALL_LANES, v.x, 1);
    v.y += __shfl_xor_sync(ALL_LANES, v.y, 1);
    v.x += __shfl_xor_sync(ALL_LANES, v.x, 2);
    v.y += __shfl_xor_sync(ALL_LANES, v.y, 2);
    return v;
}

// The inner product of each of the 16 rows of v with the same row of a tile.
template <int TILES>
__device__ __forceinline__ float2 rowProducts(const float (&v)[TILES][4], unsigned tile, int stride, const Lanes &l) {
    float2 sum = make_float2(0, 0);
    unsigned at = tile + (l.row * stride + l.pair * 2) * 2;
#pragma unroll
    for (int j = 0; j < TILES; j++) {
        unsigned upper = sharedWord(at + j * 16);
        unsigned lower = sharedWord(at + j * 16 + 8 * stride * 2);
        sum.x += v[j][0] * lowerBf16(upper) + v[j][1] * upperBf16(upper);
        sum.y += v[j][2] * lowerBf16(lower) + v[j][3] * upperBf16(lower);
    }
    return quadSums(sum);
}

// Two products, interleaved: each alone is a chain of dependent mma too short of parallel work.
template <int STEPS_U, int STEPS_V>
__device__ __forceinline__ void addTwoProducts(
    float (&u)[2][4], const unsigned (&a)[STEPS_U][4], unsigned uHigh, float (&v)[2][4],
    const unsigned (&b)[STEPS_V][4], unsigned vHigh) {
#pragma unroll
    for (int k = 0; k < (STEPS_U > STEPS_V ? STEPS_U : STEPS_V); k++) {
        unsigned f[4], g[4];
        if (k < STEPS_U) ldmatrix(f, uHigh + k * 32);
        if (k < STEPS_V) ldmatrix(g, vHigh + k * 32);
        if (k < STEPS_U) {
            mma(u[0], a[k < STEPS_U ? k : 0], f[0], f[1]);
            mma(u[1], a[k < STEPS_U ? k : 0], f[2], f[3]);
        }
        if (k < STEPS_V) {
            mma(v[0], b[k < STEPS_V ? k : 0], g[0], g[1]);
            mma(v[1], b[k < STEPS_V ? k : 0], g[2], g[3]);
        }
    }
}

// Sums over this warp's 16 steps r for each of 16 steps t, of which a lane holds four columns' sums of its two rows;
// the lanes halve the columns they hold as they add.
__device__ __forceinline__ void storeSumsOfColumns(const float (&pairs)[4], unsigned sums, int tile, const Lanes &l) {
    bool four = l.lane & 4, eight = l.lane & 8;
    float k0 = four ? pairs[2] : pairs[0], k1 = four ? pairs[3] : pairs[1];
    k0 += __shfl_xor_sync(ALL_LANES, four ? pairs[0] : pairs[2], 4);
    k1 += __shfl_xor_sync(ALL_LANES, four ? pairs[1] : pairs[3], 4);
    float k = (eight ? k1 : k0) + __shfl_xor_sync(ALL_LANES, eight ? k0 : k1, 8);
    k += __shfl_xor_sync(ALL_LANES, k, 16);
    if (l.lane < 16) {
        int t = tile * 16 + (four ? 8 : 0) + l.pair * 2 + (eight ? 1 : 0);
        storeShared(sums + t * 4, k);
    }
}

// dx, without the skip, and db: this warp's rows are the reading steps r.
__device__ __forceinline__ void gradientsOfReading(
    float (&dx)[X_TILES][4], float (&db)[N_TILES][4], float &skipGradient, const Chunk &k, const Lanes &l) {
    const unsigned xTile = k.stage, bTile = k.stage + B_TILE, cTile = k.stage + C_TILE, dyTile = k.stage + DY_TILE;
    unsigned bRows[N / 16][4], xRows[P / 16][4];
    loadRows<N / 16>(bRows, l.low(bTile, N_ROW) + k.firstRow * N_ROW * 2);
    loadRows<P / 16>(xRows, l.low(xTile, X_ROW) + k.firstRow * X_ROW * 2);
    clear<X_TILES>(dx);
    clear<N_TILES>(db);
    addProduct<X_TILES, N / 16>(dx, bRows, l.high(k.gradient, N_ROW), N_ROW);
    addProductRows<N_TILES, P / 16>(db, xRows, l.low(k.gradient, N_ROW), N_ROW);
    const float upperLeft = exp2Approx(k.last - k.upper), lowerLeft = exp2Approx(k.last - k.lower);
    scaleRows<X_TILES>(dx, upperLeft, lowerLeft);
    scaleRows<N_TILES>(db, upperLeft, lowerLeft);
    const unsigned incoming = k.sums + INCOMING;
    const float2 j = rowProducts<N_TILES>(db, bTile + k.firstRow * N_ROW * 2, N_ROW, l);
    storeOfRows(incoming, j, k, l);
    float2 columnSum = make_float2(0, 0);
    const unsigned cHigh = l.high(cTile, N_ROW), dyHigh = l.high(dyTile, X_ROW);
    const unsigned cLow = l.low(cTile, N_ROW), dyLow = l.low(dyTile, X_ROW);
#pragma unroll 1
    for (int ahead = 0; ahead < ROW_GROUPS; ahead++) {
        const int tile = k.rowGroup + ahead;
        if (tile >= ROW_GROUPS) break;
        float g[2][4], e[2][4];
        clear<2>(g);
        clear<2>(e);
        addTwoProducts<N / 16, P / 16>(
            g, bRows, cHigh + tile * 16 * N_ROW * 2, e, xRows, dyHigh + tile * 16 * X_ROW * 2);
        float pairs[4];
#pragma unroll
        for (int i = 0; i < 2; i++) {
            float2 s = sharedFloat2(k.cumulative + (tile * 16 + i * 8 + l.pair * 2) * 4);
            float factor[4] = {exp2Approx(s.x - k.upper), exp2Approx(s.y - k.upper), exp2Approx(s.x - k.lower),
                               exp2Approx(s.y - k.lower)};
            float w[4];
#pragma unroll
            for (int q = 0; q < 4; q++) {
                int later = i * 8 + l.pair * 2 + (q & 1) - l.row - (q >> 1) * 8;
                bool diagonal = ahead == 0;
                if (diagonal && later == 0) skipGradient += e[i][q];
                g[i][q] *= factor[q];
                if (diagonal && later < 0) {
                    g[i][q] = 0;
                    factor[q] = 0;
                }
                w[q] = diagonal && later <= 0 ? 0.0f : g[i][q] * e[i][q];
                e[i][q] *= factor[q];
                if (diagonal && later < 0) e[i][q] = 0;
            }
            columnSum.x += w[0] + w[1];
            columnSum.y += w[2] + w[3];
            pairs[2 * i] = w[0] + w[2];
            pairs[2 * i + 1] = w[1] + w[3];
        }
        unsigned m[1][4];
        toOperand(m, g);
        addProductRows<X_TILES, 1>(dx, m, dyLow + tile * 16 * X_ROW * 2, X_ROW);
        toOperand(m, e);
        addProductRows<N_TILES, 1>(db, m, cLow + tile * 16 * N_ROW * 2, N_ROW);
        storeSumsOfColumns(pairs, k.sums + k.rowGroup * DECAY_BYTES, tile, l);
    }
    columnSum = quadSums(columnSum);
    // not by storeOfRows, with which ptxas 13.0 gives the kernel other registers
    if (l.pair == 0) {
        storeShared(k.sums + COLUMN_SUMS + (k.firstRow + l.row) * 4, columnSum.x);
        storeShared(k.sums + COLUMN_SUMS + (k.firstRow + l.row + 8) * 4, columnSum.y);
    }
}

// dc: this warp's rows are the writing steps t. E is formed again, transposed: cheaper than a trip of the first one
// through shared memory with its barrier.
__device__ __forceinline__ void gradientOfWriting(float (&dc)[N_TILES][4], const Chunk &k, const Lanes &l) {
    const unsigned xTile = k.stage, bTile = k.stage + B_TILE, cTile = k.stage + C_TILE, dyTile = k.stage + DY_TILE;
    unsigned dyRows[P / 16][4];
    loadRows<P / 16>(dyRows, l.low(dyTile, X_ROW) + k.firstRow * X_ROW * 2);
    clear<N_TILES>(dc);
    addProductRows<N_TILES, P / 16>(dc, dyRows, l.low(k.stage + PREVIOUS, N_ROW), N_ROW);
    scaleRows<N_TILES>(dc, exp2Approx(k.upper), exp2Approx(k.lower));
    const unsigned outgoing = k.sums + OUTGOING;
    const float2 i = rowProducts<N_TILES>(dc, cTile + k.firstRow * N_ROW * 2, N_ROW, l);
    storeOfRows(outgoing, i, k, l);
    const unsigned xHigh = l.high(xTile, X_ROW);
    const unsigned bLow = l.low(bTile, N_ROW);
#pragma unroll 1
    for (int tile = 0; tile < ROW_GROUPS; tile++) {
        if (tile > k.rowGroup) break;
        float e[2][4];
        clear<2>(e);
        addProduct<2, P / 16>(e, dyRows, xHigh + tile * 16 * X_ROW * 2, X_ROW);
        decay(e, k.cumulative, tile, k.upper, k.lower, tile == k.rowGroup, l);
        unsigned m[1][4];
        toOperand(m, e);
        addProductRows<N_TILES, 1>(dc, m, bLow + tile * 16 * N_ROW * 2, N_ROW);
    }
}

// The decay gradient of one chunk from the sums its warps left; one warp, two steps a lane.
__device__ __forceinline__ void storeDecayGradient(
    float *dLogDecay, unsigned sums, int firstStep, int time, int heads, int lane) {
    float base = 0;
#pragma unroll
    for (int w = 0; w < WARPS; w++) base += sharedFloat(sums + BOUNDARY + w * 4);
    float suffix[2], prefix[2];
#pragma unroll
    for (int e = 0; e < 2; e++) {
        int t = lane * 2 + e;
        float pairs = -sharedFloat(sums + COLUMN_SUMS + t * 4);
#pragma unroll
        for (int g = 0; g < ROW_GROUPS; g++) {
            float rowSum = sharedFloat(sums + g * DECAY_BYTES + t * 4);
            // A row group wrote only the steps at or after its own.
            if (g <= t / 16) pairs += rowSum;
        }
        suffix[e] = pairs + sharedFloat(sums + OUTGOING + t * 4);
        prefix[e] = sharedFloat(sums + INCOMING + t * 4);
    }
    float after = suffix[0] + suffix[1];
    float before = prefix[0] + prefix[1];
#pragma unroll
    for (int d = 1; d < WARP; d <<= 1) {
        float fromAfter = __shfl_down_sync(ALL_LANES, after, d);
        float fromBefore = __shfl_up_sync(ALL_LANES, before, d);
        if (lane + d < WARP) after += fromAfter;
        if (lane >= d) before += fromBefore;
    }
    float laterAfter = __shfl_down_sync(ALL_LANES, after, 1);
    float earlierBefore = __shfl_up_sync(ALL_LANES, before, 1);
    if (lane == 31) laterAfter = 0;
    if (lane == 0) earlierBefore = 0;
    int step = firstStep + lane * 2;
    if (step < time) dLogDecay[(Size)step * heads] = base + after + earlierBefore;
    if (step + 1 < time)
        dLogDecay[(Size)(step + 1) * heads] = base + laterAfter + suffix[1] + earlierBefore + prefix[0];
}
