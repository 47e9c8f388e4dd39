// Causal softmax attention without a Tq x T array; shapes are in attention.cuh.
//
// Algorithm: online softmax over tiles, after Dao et al., "FlashAttention" (2022) and "FlashAttention-2" (2023);
// written from the equations. A warpgroup takes 64 queries and goes through the keys that they see, 64 at a time; k and
// v of a tile arrive while an earlier one is worked on.
//
// FLOPs: 4 S P for each head and sequence, where S is the number of (query, key) pairs seen, about Tq (T - Tq/2).
// Bytes, at least: 2 P (2 Tq H + 2 T G) B, and lse. k and v are streamed once per 64 QUERY_WARPGROUPS queries, mostly
// out of L2, since the tiles of one head are neighbors in the grid.

#if ATTENTION_WGMMA
#include "attention_wgmma.cuh"
#else
#include "attention_mma.cuh"
#endif

constexpr int QUERY_WARPGROUPS = 2;
constexpr int BLOCKS = P >= 128 || P == 96 && !ATTENTION_WGMMA ? 1 : 2;
// A third stage lets the last product of a step run into the next step. Used where that was measured to gain (P = 64).
// At P = 32, and with windows, ptxas 13.0 serializes a product left in flight over the loop's end (C7515); P = 128
// compiles without that but was not timed.
constexpr int STAGES = P == 64 && !WINDOWED ? 3 : 2;
constexpr int THREADS = 128 * QUERY_WARPGROUPS;
constexpr int SHARED_BYTES = ALIGNMENT + (QUERY_WARPGROUPS + 2 * STAGES) * TILE_BYTES;
constexpr float LN2 = 0.6931471805599453f;

// Grid ceil(Tq / (64 QUERY_WARPGROUPS)), H, B.
extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS) attention_forward(
    const Bf16 *__restrict__ q, const Bf16 *__restrict__ k, const Bf16 *__restrict__ v, Bf16 *__restrict__ out,
    float *__restrict__ lse, int Tq, int T, int H, int G, float scale, float cap, int window) {
    char *shared = alignedShared();
    unsigned base = sharedAddress(shared);
    Place place;
    int head = blockIdx.y, sample = blockIdx.z, group = head / (H / G);
    // The longest rows first: the last blocks to start are then the shortest.
    int first = (gridDim.x - 1 - blockIdx.x) * ROWS * QUERY_WARPGROUPS;
    int offset = T - Tq;
    int queryStride = H * P, keyStride = G * P;
    q += (Size)sample * Tq * queryStride + head * P;
    out += (Size)sample * Tq * queryStride + head * P;
    k += (Size)sample * T * keyStride + group * P;
    v += (Size)sample * T * keyStride + group * P;
    lse += ((Size)sample * H + head) * Tq;
    unsigned stages = base + QUERY_WARPGROUPS * TILE_BYTES;

    int tiles = (min(T, first + ROWS * QUERY_WARPGROUPS + offset) + ROWS - 1) / ROWS;
    for (int w = 0; w < QUERY_WARPGROUPS; w++)
        loadTile<THREADS>(base + w * TILE_BYTES, q, first + w * ROWS, Tq, queryStride, place.thread);
    int firstTile = WINDOWED && window > 0 ? max(0, first + offset - window + 1) / ROWS : 0;
    loadTiles<THREADS>(stages, k, v, firstTile * ROWS, T, keyStride, place.thread);
    commitCopies();

    first += place.warpgroup * ROWS;
    int position = first + offset + place.warp * 16 + place.lane / 4;
    Scoring scoring(scale, cap);
    float scale2 = scoring.outer;
    // The queries stay in shared memory: held in registers over the loop as wgmma's left operand they were lost after
    // the first tile, ptxas 13.0 having given their registers to p as well (P = 64; seen in the machine code and the
    // results).
    unsigned queries = base + place.warpgroup * TILE_BYTES;
    float o[P / 2];
#pragma unroll
    for (int i = 0; i < P / 2; i++) o[i] = 0.0f;
    float maximum[2] = {-infinity(), -infinity()}, sum[2] = {0.0f, 0.0f};

    int stage = 0;
    for (int tile = firstTile; tile < tiles; tile++) {
        awaitTiles();
        int next = stage + 1 == STAGES ? 0 : stage + 1;
        if (tile + 1 < tiles)
            loadTiles<THREADS>(stages + 2 * next * TILE_BYTES, k, v, (tile + 1) * ROWS, T, keyStride, place.thread);
        commitCopies();
        unsigned keys = stages + 2 * stage * TILE_BYTES;
        int key = tile * ROWS;
        bool seen = !WINDOWED || window == 0 || key + ROWS - 1 > first + offset - window;
        if (key <= first + ROWS - 1 + offset && seen) {
            float s[32];
            unsigned p[4][4];
            beginProducts();
            scores(s, queries, keys);
            commitProducts();
            waitProducts<0>();
            settle(s);
            settle(o);
            scoring.bound(s);
            if (key + ROWS - 1 > first + offset) hideLater(s, key, position, -infinity(), place);
            if (WINDOWED && window > 0 && key <= first + ROWS - 1 + offset - window)
                hideEarlier(s, key, position, window, -infinity(), place);
#pragma unroll
            for (int r = 0; r < 2; r++) {
                float m = maximum[r];
#pragma unroll
                for (int j = 0; j < 8; j++) m = fmaxf(m, fmaxf(s[4 * j + 2 * r], s[4 * j + 2 * r + 1]));
                m = quadMax(m);
                // Finite from the first tile on, where every query sees key 0; a window may hide a whole tile from one.
                float shift = WINDOWED && m == -infinity() ? 0.0f : m * scale2;
                float rescale = exp2Approx(maximum[r] * scale2 - shift);
                maximum[r] = m;
                float total = 0.0f;
#pragma unroll
                for (int j = 0; j < 8; j++)
#pragma unroll
                    for (int e = 0; e < 2; e++) {
                        float &x = s[4 * j + 2 * r + e];
                        x = exp2Approx(fmaf(x, scale2, -shift));
                        total += x;
                    }
                sum[r] = sum[r] * rescale + total;
#pragma unroll
                for (int j = 0; j < P / 8; j++) {
                    o[4 * j + 2 * r] *= rescale;
                    o[4 * j + 2 * r + 1] *= rescale;
                }
            }
            toLeft(p, s);
            settle(o);
            beginProducts();
            accumulate(o, p, keys + TILE_BYTES);
            commitProducts();
            if (STAGES == 2) waitProducts<0>();
        } else {
            waitProducts<0>();
        }
        stage = next;
    }
    waitProducts<0>();
    settle(o);
    __syncthreads();

    float inverse[2];
#pragma unroll
    for (int r = 0; r < 2; r++) {
        float total = quadSum(sum[r]);
        inverse[r] = 1.0f / total;
        int row = first + place.warp * 16 + place.lane / 4 + 8 * r;
        if ((place.lane & 3) == 0 && row < Tq) lse[row] = (maximum[r] * scale2 + log2f(total)) * LN2;
    }
    storeRows(o, inverse[0], inverse[1], shared + place.warpgroup * TILE_BYTES, place, out, first, Tq, queryStride);
}

// What a launch needs: warpgroups and dynamic shared memory.
extern "C" __device__ int attentionForwardSizes[2] = {QUERY_WARPGROUPS, SHARED_BYTES};
