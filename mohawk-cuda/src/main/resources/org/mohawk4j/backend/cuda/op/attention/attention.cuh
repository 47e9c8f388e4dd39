// What the kernels of causal softmax attention share: tiles of 64 rows in shared memory. Products of them are in
// attention_wgmma.cuh and attention_mma.cuh, whose sums lie alike in registers; ATTENTION_WGMMA is 1 or 0.
//
// Shapes (bfloat16, contiguous): q, out, dout, dq [B,Tq,H,P]; k, v, dk, dv [B,T,G,P]; lse, delta [B,H,Tq] float32.
// G divides H; head h reads group h / (H/G). Query i stands at key position T-Tq+i and sees keys 0 .. T-Tq+i, Tq <= T.
// scale > 0. P is ATTENTION_P: 32, 64 or 128. All pointers are aligned to 16 bytes.
//
//   s = scale q k',  p = softmax(s) over the keys seen,  out = p v,  lse = log sum exp s   (natural logarithm)

#pragma once

#include "common.cuh"
#include "shared_memory.cuh"

constexpr int P = ATTENTION_P;
static_assert(P == 32 || P == 64 || P == 128, "ATTENTION_P");
static_assert(ATTENTION_WGMMA == 0 || ATTENTION_WGMMA == 1, "ATTENTION_WGMMA");
constexpr int ROWS = 64;                // of every tile: what one warpgroup's products take
constexpr int PANEL = P < 64 ? P : 64;  // columns
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
