// Stage 1 of MOHAWK (arXiv 2408.10189, section 4.1, matrix orientation): the distance between two sequence-mixing
// matrices, without either of them in memory. What its kernels share.
//
//   M [t,s] = softmax_s(scale * q_t . k_s),                         s <= t   (teacher)
//   M'[t,s] = exp(a_{s+1} + ... + a_t) * (c_t . b_s) + [s = t] D_h,  s <= t   (student)
//   loss    = mean over (b,h) of ||M - M'||_F
//
// Shapes: q, k [B,T,H,P] bfloat16; c, b [B,T,G,N] bfloat16, G divides H, group g serves heads g*H/G and on; logDecay a
// [B,T,H] float32, finite and <= 0 (dead tiles, below, rely on decay growing with distance); skip D [H] float32. scale
// > 0. P is FROB_P and N FROB_N, each 16, 32, 64 or 128.
//
// Workspace: T is rounded up to Tp, a multiple of BM; vectors per head are [B*H, Tp] float32.
//
// Time is cut in granules of 64 steps, and the running sum of a is kept within each granule, in log2 units: over the
// whole sequence it reaches -1500 and more, where a difference of two float32 numbers has lost its digits; here every
// difference is of numbers within one granule. Across granules i > j:
//   L[t,s] = rowFac_t * exp2(gap) * colFac_s,
//   rowFac_t = 2^(prefix_t), gap = sum of the totals strictly between, colFac_s = 2^(total_j - prefix_s),
// a product of three numbers <= 1, which underflows only where L itself does, and which costs no exponential per
// element.
//
// Order: frob_decay, frob_lse, frob_rows, frob_norm | frob_cols, frob_grad_bc_f32, frob_grad_decay. No atomics, so
// equal bits from run to run.
//
// FLOPs, with n = B*H*T*(T+1)/2 pairs: frob_lse 2nP, frob_rows 2n(P+2N), frob_cols 2n(P+2N): for P = N = 64, 7 products
// of 128 n (frob_rows already yields the gradients of rows; a backward pass that recomputed for them would make it 9).
// B1 T2048 H32: n = 67.1e6, 60.2 GFLOP, at least 0.076 ms at 790 TFLOP/s; the 3 exponentials a pair take 0.055 ms at 16
// per clock and SM, beside the products at best. Device memory, at least: q, k, c, b read once, 2*B*T*(H*P+G*N)*2
// bytes; dc and db in float32 per head, written once and read once, 8*B*T*H*N bytes each; gradients 2*B*T*G*N*4. B1
// T2048 H32 G32 P = N = 64: 34 + 67 + 34 MB, 0.03 ms at 4.8 TB/s. Tiles are read again from L2, once per tile of the
// other axis.

#pragma once

#include "common.cuh"
#include "shared_memory.cuh"

constexpr int P = FROB_P;
constexpr int N = FROB_N;
constexpr int GRANULE = 64;

// wgmma, where FROB_WGMMA says that the device has it, for P = N = 64, whose rows are the 128 bytes of its swizzle
// (frobenius_wgmma.cuh); mma.sync for the rest (frobenius_mma.cuh).
constexpr bool WGMMA = FROB_WGMMA && P == 64 && N == 64;

// Granules of a block's tile: for mma.sync blocks of 16 rows of a warp, for wgmma warpgroups of the block, of which 1
// measured faster for T = 2048 and 2 for T = 16384.
constexpr int GRANULES = P <= 64 && N <= 64 && !WGMMA ? 2 : 1;
constexpr int BM = GRANULE * GRANULES;

// Of the kernels over tiles.
constexpr int THREADS = WGMMA ? 128 * GRANULES : 128;
constexpr int BLOCKS = P > 64 || N > 64 || GRANULES == 2 ? 2 : 3;
constexpr int LSE_BLOCKS = WGMMA ? (GRANULES == 1 ? 6 : 3) : BLOCKS;
constexpr int TILE_SHARED_BYTES = (BM + 2 * GRANULE) * (P + N) * 2 + 2 * 3 * GRANULE * 4;
constexpr int LSE_SHARED_BYTES = (BM + 2 * GRANULE) * P * 2;

// log2 of the decay below which the student's part of a tile is taken as zero: "dead".
constexpr float DEAD = -58.0f;

extern __shared__ __align__(1024) unsigned char sharedBytes[];

// The matrices, and what frob_decay and frob_lse have found out about them.
struct Matrices {
    const Bf16 *q, *k, *c, *b;
    const float *lse, *prefix, *rowFac, *colFac, *total, *skip;
    float scale;
    int T, H, G, Tp;
};

// The row tile's first row decays least towards a granule on its left: it decides for the tile. frob_lse and frob_rows
// must agree to the bit, since one counts what the other leaves out. A NaN is alive, so that it reaches the loss.
__device__ __forceinline__ bool alive(float gap, float firstPrefix) { return !(gap + firstPrefix < DEAD); }

// 16-byte chunks are permuted so that the eight rows that one ldmatrix phase reads at the same chunk fall in eight
// different bank groups, whatever the row length; rows of 128 bytes as wgmma wants them.
template <int DIM>
__device__ __forceinline__ unsigned swizzled(int row, int chunk) {
    constexpr int CHUNKS = DIM / 8;
    constexpr int SPAN = CHUNKS < 8 ? CHUNKS : 8;
    return (unsigned)((row * CHUNKS + (chunk ^ ((row / (8 / SPAN)) & (SPAN - 1)))) * 16);
}

// ROWS x DIM from row t0 of a matrix [T, stride]; rows past T become zero.
template <int DIM, int ROWS>
__device__ __forceinline__ void loadTile(unsigned tile, const Bf16 *x, Size stride, int t0, int T) {
    constexpr int CHUNKS = DIM / 8;
    constexpr int TOTAL = ROWS * CHUNKS;
#pragma unroll
    for (int base = 0; base < TOTAL; base += THREADS) {
        const int i = base + (int)threadIdx.x;
        if (TOTAL % THREADS == 0 || i < TOTAL) {
            const int row = i / CHUNKS, chunk = i % CHUNKS;
            const bool inside = t0 + row < T;
            const Size t = inside ? t0 + row : 0;
            copyAsync<16>(tile + swizzled<DIM>(row, chunk), x + t * stride + chunk * 8, inside);
        }
    }
}

// The whole block calls it; thread 0 gets the sum.
__device__ __forceinline__ float blockSum(float x, float *scratch) {
#pragma unroll
    for (int d = 16; d > 0; d >>= 1) x += __shfl_xor_sync(ALL_LANES, x, d);
    __syncthreads();
    if ((threadIdx.x & 31) == 0) scratch[threadIdx.x >> 5] = x;
    __syncthreads();
    float sum = (scratch[0] + scratch[1]) + (scratch[2] + scratch[3]);
    for (int w = 4; w < (int)(blockDim.x >> 5); w++) sum += scratch[w];
    return sum;
}

// Of the gradient of one (b,h): zero where the norm is zero.
__device__ __forceinline__ float gradScale(const float *norm, const float *upstream, int bh, int BH) {
    const float n = norm[bh];
    return n == 0.0f ? 0.0f : *upstream / ((float)BH * n);
}
