// The gradient of causal softmax attention; shapes are in attention.cuh.
//
//   delta = rowsum(dout * out),  ds = p * (dout v' - delta),  dq = scale ds k,  dk = scale ds' q,  dv = p' dout
//   of bounded scores: ds = p * (dout v' - delta) (1 - (s / cap)^2)
//
// Algorithm: p is computed again from lse, tile by tile, as in Dao et al., "FlashAttention" (2022). One kernel goes
// over tiles of keys (dk and dv; it loops over the heads of a group, then over tiles of queries), one over tiles of
// queries (dq): s and p are computed twice, but every sum has one owner and a fixed order, so results are equal bit for
// bit between runs. The kernel over keys forms the scores transposed, keys as rows, so that p' and ds' leave one
// product in just the layout in which the next one takes its left operand: no way through shared memory.
//
// FLOPs, S being the (query, key) pairs seen, about Tq (T - Tq/2), for each head and sequence:
//   delta 2 Tq P; dk and dv 8 S P; dq 6 S P.
// Bytes, at least: delta 4 Tq H P B; dk and dv 2 P (2 Tq H + 4 T G) B; dq 2 P (3 Tq H + 2 T G) B, and lse and delta. q
// and dout are streamed once per 64 KEY_WARPGROUPS keys, k and v once per 64 QUERY_WARPGROUPS queries, mostly out of
// L2.

#if ATTENTION_WGMMA
#include "attention_wgmma.cuh"
#else
#include "attention_mma.cuh"
#endif

constexpr int QUERY_WARPGROUPS = 2;
constexpr int QUERY_THREADS = 128 * QUERY_WARPGROUPS;
constexpr int QUERY_BLOCKS = P > 64 || CAPPED ? 1 : 2;
constexpr int KEY_WARPGROUPS = 1;
constexpr int KEY_THREADS = 128 * KEY_WARPGROUPS;
constexpr int KEY_BLOCKS = P > 64 || CAPPED ? 1 : WINDOWED ? 2 : P == 64 ? 3 : 4;
// A third stage, as the forward pass has one, makes ptxas 13.0 serialize products at P = 32 and 64 (C7515).
constexpr int STAGES = 2;
constexpr int QUERY_SHARED_BYTES = ALIGNMENT + (2 * QUERY_WARPGROUPS + 2 * STAGES) * TILE_BYTES;
constexpr int KEY_STATISTICS = (2 * KEY_WARPGROUPS + 2 * STAGES) * TILE_BYTES;
constexpr int KEY_SHARED_BYTES = ALIGNMENT + KEY_STATISTICS + STAGES * 2 * ROWS * 4;

// Threads that a row of attention_delta takes, in a warp; of as many as a power of two some have nothing to add.
constexpr int ROW_LANES = P == 96 ? 16 : CHUNKS;

// Grid ceil(B Tq H ROW_LANES / 256), 256 threads.
extern "C" __global__ void __launch_bounds__(256) attention_delta(
    const Bf16 *__restrict__ out, const Bf16 *__restrict__ dout, float *__restrict__ delta, int B, int Tq, int H) {
    Size index = (Size)blockIdx.x * 256 + threadIdx.x;
    Size row = index / ROW_LANES;
    int chunk = (int)(index % ROW_LANES);
    bool valid = row < (Size)B * Tq * H;
    float sum = 0.0f;
    if (valid && chunk < CHUNKS) {
        uint4 a = ((const uint4 *)out)[row * CHUNKS + chunk];
        uint4 b = ((const uint4 *)dout)[row * CHUNKS + chunk];
        const unsigned x[4] = {a.x, a.y, a.z, a.w};
        const unsigned y[4] = {b.x, b.y, b.z, b.w};
#pragma unroll
        for (int i = 0; i < 4; i++) sum += lowerBf16(x[i]) * lowerBf16(y[i]) + upperBf16(x[i]) * upperBf16(y[i]);
    }
#pragma unroll
    for (int step = ROW_LANES / 2; step > 0; step /= 2) sum += __shfl_xor_sync(ALL_LANES, sum, step);
    if (valid && chunk == 0) {
        Size head = row % H, time = row / H % Tq, sample = row / H / Tq;
        delta[(sample * H + head) * Tq + time] = sum;
    }
}

// Grid ceil(T / (64 KEY_WARPGROUPS)), G, B.
extern "C" __global__ void __launch_bounds__(KEY_THREADS, KEY_BLOCKS) attention_backward_kv(
    const Bf16 *__restrict__ q, const Bf16 *__restrict__ k, const Bf16 *__restrict__ v, const Bf16 *__restrict__ dout,
    const float *__restrict__ lse, const float *__restrict__ delta, Bf16 *__restrict__ dk, Bf16 *__restrict__ dv,
    int Tq, int T, int H, int G, float scale, float cap, int window) {
    char *shared = alignedShared();
    unsigned base = sharedAddress(shared);
    Place place;
    int group = blockIdx.y, sample = blockIdx.z, heads = H / G;
    int first = blockIdx.x * ROWS * KEY_WARPGROUPS;
    int offset = T - Tq;
    int queryStride = H * P, keyStride = G * P;
    q += (Size)sample * Tq * queryStride + group * heads * P;
    dout += (Size)sample * Tq * queryStride + group * heads * P;
    Size keysAt = (Size)sample * T * keyStride + group * P;
    lse += ((Size)sample * H + group * heads) * Tq;
    delta += ((Size)sample * H + group * heads) * Tq;
    unsigned stages = base + 2 * KEY_WARPGROUPS * TILE_BYTES;

    for (int w = 0; w < KEY_WARPGROUPS; w++)
        loadTiles<KEY_THREADS>(
            base + 2 * w * TILE_BYTES, k + keysAt, v + keysAt, first + w * ROWS, T, keyStride, place.thread);
    int firstTile = max(0, first - offset) / ROWS;
    int tiles = (Tq + ROWS - 1) / ROWS;
    // Up to the last query that sees the block's last key; there may be none.
    if (WINDOWED && window > 0) {
        int after = first + ROWS * KEY_WARPGROUPS - 1 + window - offset;
        tiles = after <= 0 ? firstTile : max(firstTile, min(tiles, (after + ROWS - 1) / ROWS));
    }
    auto load = [&](int stage, int head, int tile) {
        loadTiles<KEY_THREADS>(
            stages + 2 * stage * TILE_BYTES, q + head * P, dout + head * P, tile * ROWS, Tq, queryStride, place.thread);
        // Past Tq both become zero: p is then 1, but q and dout there are zero and so is every term.
        if (place.thread < 2 * ROWS) {
            int row = tile * ROWS + (place.thread & (ROWS - 1));
            const float *from = (place.thread < ROWS ? lse : delta) + (Size)head * Tq;
            copyAsync<4>(
                base + KEY_STATISTICS + (stage * 2 * ROWS + place.thread) * 4, from + (row < Tq ? row : 0), row < Tq);
        }
    };
    int loadHead = 0, loadAt = firstTile;
    load(0, loadHead, loadAt);
    commitCopies();

    first += place.warpgroup * ROWS;
    unsigned keys = base + 2 * place.warpgroup * TILE_BYTES;
    int key = first + place.warp * 16 + place.lane / 4;
    Scoring scoring(scale, cap);
    float scale2 = scoring.outer;
    float dkSum[P / 2], dvSum[P / 2];
#pragma unroll
    for (int i = 0; i < P / 2; i++) dkSum[i] = dvSum[i] = 0.0f;

    int stage = 0, tile = firstTile;
    for (int step = heads * (tiles - firstTile); step > 0; step--) {
        awaitTiles();
        int next = stage + 1 == STAGES ? 0 : stage + 1;
        if (step > 1) {
            if (++loadAt == tiles) {
                loadAt = firstTile;
                loadHead++;
            }
            load(next, loadHead, loadAt);
        }
        commitCopies();
        unsigned queries = stages + 2 * stage * TILE_BYTES;
        const float *statistics = (const float *)(shared + KEY_STATISTICS) + stage * 2 * ROWS + 2 * (place.lane & 3);
        int query = tile * ROWS;
        bool seen = !WINDOWED || window == 0 || query + offset - window < first + ROWS - 1;
        if (query + ROWS - 1 + offset >= first && seen) {
            float s[32], dp[32], slopes[32];
            unsigned p[4][4], ds[4][4];
            beginProducts();
            scores(s, keys, queries);
            commitProducts();
            scores(dp, keys + TILE_BYTES, queries + TILE_BYTES);
            commitProducts();
            waitProducts<1>();
            settle(s);
            scoring.bound(s);
            if (CAPPED) {
#pragma unroll
                for (int i = 0; i < 32; i++) slopes[i] = scoring.slope(s[i]);
            }
            bool diagonal = query + offset < first + ROWS - 1;
            bool leaving = WINDOWED && window > 0 && query + ROWS - 1 + offset - window >= first;
#pragma unroll
            for (int j = 0; j < 8; j++) {
                float2 l = *(const float2 *)(statistics + 8 * j);
                l.x *= LOG2E;
                l.y *= LOG2E;
#pragma unroll
                for (int e = 0; e < 4; e++)
                    s[4 * j + e] = exp2Approx(fmaf(s[4 * j + e], scale2, (e & 1) ? -l.y : -l.x));
            }
            if (diagonal) {
#pragma unroll
                for (int i = 0; i < 32; i++) {
                    int column = query + offset + (i / 4) * 8 + 2 * (place.lane & 3) + (i & 1);
                    if (key + ((i & 2) ? 8 : 0) > column) s[i] = 0.0f;
                }
            }
            if (leaving) {
#pragma unroll
                for (int i = 0; i < 32; i++) {
                    int column = query + offset + (i / 4) * 8 + 2 * (place.lane & 3) + (i & 1);
                    if (key + ((i & 2) ? 8 : 0) <= column - window) s[i] = 0.0f;
                }
            }
            toLeft(p, s);
            beginProducts();
            accumulate(dvSum, p, queries + TILE_BYTES);
            commitProducts();
            waitProducts<1>();
            settle(dp);
#pragma unroll
            for (int j = 0; j < 8; j++) {
                float2 d = *(const float2 *)(statistics + ROWS + 8 * j);
#pragma unroll
                for (int e = 0; e < 4; e++) dp[4 * j + e] = s[4 * j + e] * (dp[4 * j + e] - ((e & 1) ? d.y : d.x));
            }
            if (CAPPED) {
#pragma unroll
                for (int i = 0; i < 32; i++) dp[i] *= slopes[i];
            }
            toLeft(ds, dp);
            beginProducts();
            accumulate(dkSum, ds, queries);
            commitProducts();
            waitProducts<0>();
            settle(dkSum);
            settle(dvSum);
        }
        stage = next;
        if (++tile == tiles) tile = firstTile;
    }
    // Where no query sees these keys, their tiles are still on their way to where results go.
    if (WINDOWED) waitCopies<0>();
    __syncthreads();
    char *staging = shared + 2 * place.warpgroup * TILE_BYTES;
    storeRows(dkSum, scale, scale, staging, place, dk + keysAt, first, T, keyStride);
    storeRows(dvSum, 1.0f, 1.0f, staging, place, dv + keysAt, first, T, keyStride);
}

// Grid ceil(Tq / (64 QUERY_WARPGROUPS)), H, B.
extern "C" __global__ void __launch_bounds__(QUERY_THREADS, QUERY_BLOCKS) attention_backward_q(
    const Bf16 *__restrict__ q, const Bf16 *__restrict__ k, const Bf16 *__restrict__ v, const Bf16 *__restrict__ dout,
    const float *__restrict__ lse, const float *__restrict__ delta, Bf16 *__restrict__ dq, int Tq, int T, int H, int G,
    float scale, float cap, int window) {
    char *shared = alignedShared();
    unsigned base = sharedAddress(shared);
    Place place;
    int head = blockIdx.y, sample = blockIdx.z, group = head / (H / G);
    // The longest rows first, as in the forward pass.
    int first = (gridDim.x - 1 - blockIdx.x) * ROWS * QUERY_WARPGROUPS;
    int offset = T - Tq;
    int queryStride = H * P, keyStride = G * P;
    Size queriesAt = (Size)sample * Tq * queryStride + head * P;
    k += (Size)sample * T * keyStride + group * P;
    v += (Size)sample * T * keyStride + group * P;
    Size rowsAt = ((Size)sample * H + head) * Tq;
    unsigned stages = base + 2 * QUERY_WARPGROUPS * TILE_BYTES;

    int tiles = (min(T, first + ROWS * QUERY_WARPGROUPS + offset) + ROWS - 1) / ROWS;
    for (int w = 0; w < QUERY_WARPGROUPS; w++)
        loadTiles<QUERY_THREADS>(
            base + 2 * w * TILE_BYTES, q + queriesAt, dout + queriesAt, first + w * ROWS, Tq, queryStride,
            place.thread);
    int firstTile = WINDOWED && window > 0 ? max(0, first + offset - window + 1) / ROWS : 0;
    loadTiles<QUERY_THREADS>(stages, k, v, firstTile * ROWS, T, keyStride, place.thread);
    commitCopies();

    first += place.warpgroup * ROWS;
    unsigned queries = base + 2 * place.warpgroup * TILE_BYTES;
    int row = first + place.warp * 16 + place.lane / 4;
    Scoring scoring(scale, cap);
    float scale2 = scoring.outer;
    float shift[2], rowDelta[2];
#pragma unroll
    for (int r = 0; r < 2; r++) {
        bool valid = row + 8 * r < Tq;
        shift[r] = valid ? lse[rowsAt + row + 8 * r] * LOG2E : 0.0f;
        rowDelta[r] = valid ? delta[rowsAt + row + 8 * r] : 0.0f;
    }
    float dqSum[P / 2];
#pragma unroll
    for (int i = 0; i < P / 2; i++) dqSum[i] = 0.0f;

    int stage = 0;
    for (int tile = firstTile; tile < tiles; tile++) {
        awaitTiles();
        int next = stage + 1 == STAGES ? 0 : stage + 1;
        if (tile + 1 < tiles)
            loadTiles<QUERY_THREADS>(
                stages + 2 * next * TILE_BYTES, k, v, (tile + 1) * ROWS, T, keyStride, place.thread);
        commitCopies();
        unsigned keys = stages + 2 * stage * TILE_BYTES;
        int key = tile * ROWS;
        bool seen = !WINDOWED || window == 0 || key + ROWS - 1 > first + offset - window;
        if (key <= first + ROWS - 1 + offset && seen) {
            float s[32], dp[32], slopes[32];
            unsigned ds[4][4];
            beginProducts();
            scores(s, queries, keys);
            commitProducts();
            scores(dp, queries + TILE_BYTES, keys + TILE_BYTES);
            commitProducts();
            waitProducts<1>();
            settle(s);
            scoring.bound(s);
            if (CAPPED) {
#pragma unroll
                for (int i = 0; i < 32; i++) slopes[i] = scoring.slope(s[i]);
            }
#pragma unroll
            for (int i = 0; i < 32; i++) s[i] = exp2Approx(fmaf(s[i], scale2, (i & 2) ? -shift[1] : -shift[0]));
            if (key + ROWS - 1 > first + offset) hideLater(s, key, row + offset, 0.0f, place);
            if (WINDOWED && window > 0 && key <= first + ROWS - 1 + offset - window)
                hideEarlier(s, key, row + offset, window, 0.0f, place);
            waitProducts<0>();
            settle(dp);
#pragma unroll
            for (int i = 0; i < 32; i++) dp[i] = s[i] * (dp[i] - ((i & 2) ? rowDelta[1] : rowDelta[0]));
            if (CAPPED) {
#pragma unroll
                for (int i = 0; i < 32; i++) dp[i] *= slopes[i];
            }
            toLeft(ds, dp);
            beginProducts();
            accumulate(dqSum, ds, keys);
            commitProducts();
            waitProducts<0>();
            settle(dqSum);
        }
        stage = next;
    }
    __syncthreads();
    char *staging = shared + 2 * place.warpgroup * TILE_BYTES;
    storeRows(dqSum, scale, scale, staging, place, dq + queriesAt, first, Tq, queryStride);
}

// What a launch needs: warpgroups and dynamic shared memory of dk and dv, and of dq; threads for a row of delta.
extern "C" __device__ int attentionBackwardSizes[5] = {
    KEY_WARPGROUPS, KEY_SHARED_BYTES, QUERY_WARPGROUPS, QUERY_SHARED_BYTES, ROW_LANES};
