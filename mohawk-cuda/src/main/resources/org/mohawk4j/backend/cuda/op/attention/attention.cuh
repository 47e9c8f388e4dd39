// What the kernels of causal softmax attention share: tiles of 64 rows in shared memory. Products of them are in
// attention_wgmma.cuh and attention_mma.cuh, whose sums lie alike in registers; ATTENTION_WGMMA is 1 or 0.
//
// Shapes (bfloat16, contiguous): q, out, dout, dq [B,Tq,H,P]; k, v, dk, dv [B,T,G,P]; lse, delta [B,H,Tq] float32.
// G divides H; head h reads group h / (H/G). Query i stands at key position T-Tq+i and sees keys 0 .. T-Tq+i, Tq <= T.
// scale > 0. P is ATTENTION_P: 32, 64, 96 or 128, forward 256 too. All pointers are aligned to 16 bytes.
//
//   s = scale q k',  p = softmax(s) over the keys seen,  out = p v,  lse = log sum exp s   (natural logarithm)
//
// ATTENTION_SCORES is what else becomes of scores: 0 nothing; 1 a query sees the last `window` of those keys alone, if
// that is not 0; 2 the same, and s = cap tanh(scale q k' / cap), if cap is not 0. So the plain kernels carry nothing of
// it. Tiles that no query of a warpgroup sees are passed over.

#pragma once

#include "common.cuh"
#include "shared_memory.cuh"

#ifndef ATTENTION_SCORES
#define ATTENTION_SCORES 0
#endif

constexpr int P = ATTENTION_P;
static_assert(P == 32 || P == 64 || P == 96 || P == 128 || P == 256, "ATTENTION_P");
constexpr bool WINDOWED = ATTENTION_SCORES >= 1, CAPPED = ATTENTION_SCORES == 2;
static_assert(ATTENTION_WGMMA == 0 || ATTENTION_WGMMA == 1, "ATTENTION_WGMMA");
constexpr int ROWS = 64;                // of every tile: what one warpgroup's products take
constexpr int PANEL = P % 64 == 0 ? 64 : 32; // columns
constexpr int PANELS = P / PANEL;
constexpr int PANEL_ROW_BYTES = 2 * PANEL;
constexpr int PANEL_BYTES = ROWS * PANEL_ROW_BYTES;
constexpr int TILE_BYTES = PANELS * PANEL_BYTES;
constexpr int CHUNKS = P / 8;           // of 16 bytes in a row
constexpr int ALIGNMENT = 1024;         // of panels

extern __shared__ char dynamicShared[];

__device__ __forceinline__ char *alignedShared() {
    return dynamicShared + ((ALIGNMENT - (sharedAddress(dynamicShared) & (ALIGNMENT - 1))) & (ALIGNMENT - 1));
}

// Where a thread stands in its block, and which of the block's tiles are its warpgroup's.
struct Place {
    int thread, lane, warp, warpgroup;

    __device__ __forceinline__ Place() {
        thread = threadIdx.x;
        lane = thread & 31;
        warp = (thread >> 5) & 3;
        warpgroup = __shfl_sync(ALL_LANES, thread >> 7, 0);
    }
};

// Where a 16-byte chunk of a row lies in a tile.
__device__ __forceinline__ unsigned chunkOffset(int row, int chunk) {
    constexpr int PER_PANEL = PANEL / 8;
    int panel = chunk / PER_PANEL;
    int within = chunk % PER_PANEL;
    int swizzle = PANEL == 64 ? (row & 7) : ((row >> 1) & 3);
    return panel * PANEL_BYTES + row * PANEL_ROW_BYTES + ((within ^ swizzle) << 4);
}

// Rows first and on; those past the limit become zero.
template <int THREADS>
__device__ __forceinline__ void loadTile(unsigned tile, const Bf16 *x, int first, int limit, int stride, int thread) {
#pragma unroll
    for (int i = 0; i < ROWS * CHUNKS / THREADS; i++) {
        int index = i * THREADS + thread;
        int row = index / CHUNKS;
        int chunk = index % CHUNKS;
        bool valid = first + row < limit;
        const Bf16 *from = x + (Size)(valid ? first + row : 0) * stride + chunk * 8;
        copyAsync<16>(tile + chunkOffset(row, chunk), from, valid);
    }
}

// The same rows of two arrays, into two tiles that follow each other.
template <int THREADS>
__device__ __forceinline__ void loadTiles(
    unsigned tiles, const Bf16 *x, const Bf16 *y, int first, int limit, int stride, int thread) {
    loadTile<THREADS>(tiles, x, first, limit, stride, thread);
    loadTile<THREADS>(tiles + TILE_BYTES, y, first, limit, stride, thread);
}

// The sums of a product as the left operand of the next one.
__device__ __forceinline__ void toLeft(unsigned (&a)[4][4], const float (&d)[32]) {
#pragma unroll
    for (int k = 0; k < 4; k++)
#pragma unroll
        for (int i = 0; i < 4; i++) a[k][i] = toBf16Pair(d[8 * k + 2 * i], d[8 * k + 2 * i + 1]);
}

// Scores of keys that the query of a row does not see yet; position is where the first of the thread's rows stands.
__device__ __forceinline__ void hideLater(float (&s)[32], int key, int position, float hidden, const Place &place) {
#pragma unroll
    for (int i = 0; i < 32; i++) {
        int column = key + (i / 4) * 8 + 2 * (place.lane & 3) + (i & 1);
        if (column > position + ((i & 2) ? 8 : 0)) s[i] = hidden;
    }
}

// Scores of keys that have left the window of a row's query.
__device__ __forceinline__ void hideEarlier(
    float (&s)[32], int key, int position, int window, float hidden, const Place &place) {
#pragma unroll
    for (int i = 0; i < 32; i++) {
        int column = key + (i / 4) * 8 + 2 * (place.lane & 3) + (i & 1);
        if (column <= position + ((i & 2) ? 8 : 0) - window) s[i] = hidden;
    }
}

// How products of queries and keys become scores: what they are multiplied by, in powers of two, after what tanh leaves
// of them where they are bounded.
struct Scoring {
    float inner, outer;

    __device__ __forceinline__ Scoring(float scale, float cap) {
        bool bounded = CAPPED && cap > 0.0f;
        inner = bounded ? scale / cap : 0.0f;
        outer = (bounded ? cap : scale) * LOG2E;
    }

    // To be multiplied by outer.
    __device__ __forceinline__ void bound(float (&s)[32]) const {
        if (CAPPED && inner != 0.0f) {
#pragma unroll
            for (int i = 0; i < 32; i++) s[i] = 1.0f - __fdividef(2.0f, 1.0f + exp2Approx(2.0f * LOG2E * inner * s[i]));
        }
    }

    // What a small step of a product adds to one that is bounded, for scale times its size.
    __device__ __forceinline__ float slope(float bounded) const {
        return CAPPED && inner != 0.0f ? 1.0f - bounded * bounded : 1.0f;
    }
};

// This warp's 16 rows, by way of its own rows of a tile no longer needed, so that device memory sees whole chunks.
__device__ __forceinline__ void storeRows(
    const float (&d)[P / 2], float upper, float lower, char *tile, const Place &place, Bf16 *y, int first, int limit,
    int stride) {
    int row = place.warp * 16 + place.lane / 4;
#pragma unroll
    for (int j = 0; j < CHUNKS; j++) {
        const float *x = d + 4 * j;
        *(unsigned *)(tile + chunkOffset(row, j) + 4 * (place.lane & 3)) = toBf16Pair(x[0] * upper, x[1] * upper);
        *(unsigned *)(tile + chunkOffset(row + 8, j) + 4 * (place.lane & 3)) = toBf16Pair(x[2] * lower, x[3] * lower);
    }
    __syncwarp();
#pragma unroll
    for (int i = 0; i < 16 * CHUNKS / WARP; i++) {
        int index = i * WARP + place.lane;
        int r = place.warp * 16 + index / CHUNKS;
        int chunk = index % CHUNKS;
        if (first + r < limit)
            *(uint4 *)(y + (Size)(first + r) * stride + chunk * 8) = *(const uint4 *)(tile + chunkOffset(r, chunk));
    }
    __syncwarp();
}
