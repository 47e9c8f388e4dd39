// The 1-semiseparable product of Mamba-2 (state space duality): what its kernels share.
//
// Shapes (last index fastest):
//   x, y, dy, dx   [batch, time, heads, P]       bfloat16
//   b, c, db, dc   [batch, time, groups, N]      bfloat16; head h reads group h / (heads / groups)
//   logDecay a     [batch, time, heads]          float32, <= 0 (values below -110 count as -110: exp is 0 in float32)
//   states         [batch, heads, P, N]          float32
//   chunkStates    [batch, heads, chunks, P, N]  bfloat16, the state before each chunk of 64 steps
// P is SSD_HEAD_DIM and N SSD_STATE_SIZE, each 16, 32, 64 or 128. Batch, time and heads are arbitrary; groups divide
// heads. All tensors are aligned to 16 bytes.
//
//   S_t = exp(a_t) S_{t-1} + x_t b_t^T        y_t = S_t c_t + skip x_t
//
// Algorithm: the block decomposition of "Transformers are SSMs" (arXiv 2405.21060, section 6). One thread block per
// (batch, head) walks the chunks, so that each input is read once and each output written once; the state stays in
// float32 registers. s_t is the running sum of a inside the chunk, s_Q its last value, and L_tr = exp(s_t - s_r) for r
// <= t, else 0.
//
// Four warps share the products over time, 16 steps each, and the products that carry the state, some rows and columns
// of it each. With two roles one such set of warps carries the state and another does the products that only read it,
// so that the two run side by side and neither holds the registers of the other.
//
// Precision: L, all sums and the states are float32; only operands of products are rounded to bfloat16.
// Determinism: every sum has a fixed order, no atomics.
// A grid of batch * heads blocks fills the chip from about 256 up; fewer would want a chunk-parallel variant.

#pragma once

#include "common.cuh"
#include "shared_memory.cuh"
#include "tensor_core.cuh"

constexpr int P = SSD_HEAD_DIM;
constexpr int N = SSD_STATE_SIZE;
static_assert(P % 16 == 0 && N % 16 == 0, "SSD_HEAD_DIM, SSD_STATE_SIZE");

constexpr int CHUNK = 64;
constexpr int ROW_GROUPS = CHUNK / 16;
constexpr int WARPS = ROW_GROUPS;  // of a role
constexpr int ROLE_THREADS = WARP * WARPS;
constexpr int BLOCKS = P + N > 128 ? 1 : 2;

// Eight numbers of padding make a row an odd number of 16-byte units, so that the eight rows of an ldmatrix fall into
// different banks for every width used here.
constexpr int PAD = 8;
constexpr int X_ROW = P + PAD;
constexpr int N_ROW = N + PAD;
constexpr int X_TILE_BYTES = CHUNK * X_ROW * 2;
constexpr int N_TILE_BYTES = CHUNK * N_ROW * 2;
constexpr int STATE_TILE_BYTES = P * N_ROW * 2;
constexpr int DECAY_BYTES = CHUNK * 4;
constexpr int MOST_SHARED_BYTES = 232448;
constexpr int MOST_SHARED_BYTES_OF_TWO_BLOCKS = 115712;

constexpr float LEAST_LOG_DECAY = -110.0f;

extern __shared__ __align__(16) unsigned char sharedBytes[];

// A barrier of the whole block that the roles may reach at different places of the program.
template <int THREADS>
__device__ __forceinline__ void blockBarrier() {
    asm volatile("bar.sync 0, %0;" ::"n"(THREADS) : "memory");
}

// ROWS rows of WIDTH into a tile; those that are not valid become zero.
template <int ROWS, int WIDTH, int THREADS>
__device__ __forceinline__ void loadTile(unsigned tile, const Bf16 *source, Size rowStride, int validRows) {
    constexpr int UNITS = WIDTH / 8;
#pragma unroll
    for (int i = threadIdx.x; i < ROWS * UNITS; i += THREADS) {
        int row = i / UNITS;
        int unit = i % UNITS;
        bool valid = row < validRows;
        copyAsync<16>(
            tile + (row * (WIDTH + PAD) + unit * 8) * 2, source + (valid ? row * rowStride + unit * 8 : 0), valid);
    }
}

// The log decay of a chunk's steps, by one warp.
__device__ __forceinline__ void loadDecay(
    unsigned tile, const float *logDecay, Size first, int heads, int valid, int lane) {
#pragma unroll
    for (int i = lane; i < CHUNK; i += WARP)
        copyAsync<4>(tile + i * 4, logDecay + (i < valid ? (first + i) * heads : 0), i < valid);
}

// Running sum of the log decay in the chunk, in units of log 2. The warp that scans has copied the decay itself, so
// that it can scan before the barrier of the block that publishes the tiles.
__device__ __forceinline__ void scanDecay(unsigned decay, unsigned cumulative, int lane) {
    __syncwarp();
    float2 v = sharedFloat2(decay + lane * 8);
    // not fmaxf, which would make a number of NaN
    float first = v.x < LEAST_LOG_DECAY ? LEAST_LOG_DECAY : v.x;
    float both = first + (v.y < LEAST_LOG_DECAY ? LEAST_LOG_DECAY : v.y);
    float sum = both;
#pragma unroll
    for (int d = 1; d < WARP; d <<= 1) {
        float before = __shfl_up_sync(ALL_LANES, sum, d);
        if (lane >= d) sum += before;
    }
    float before = __shfl_up_sync(ALL_LANES, sum, 1);
    if (lane == 0) before = 0;
    storeShared(cumulative + lane * 8, (before + first) * LOG2E);
    storeShared(cumulative + lane * 8 + 4, sum * LOG2E);
}

// Where a lane's part of an operand lies: addresses relative to the tile, strides in elements.
struct Lanes {
    int lane, row, pair;
    // A, or transposed B: rows by lane & 15, second 8 columns from lane 16 on.
    int rowLow, columnLow;
    // B as stored, or transposed A: second 8 rows from lane 16 on, second 8 columns at lane bit 3.
    int rowHigh, columnHigh;
    __device__ __forceinline__ Lanes() {
        lane = threadIdx.x & 31;
        row = lane >> 2;
        pair = lane & 3;
        rowLow = lane & 15;
        columnLow = (lane >> 4) * 8;
        rowHigh = (lane & 7) + (lane >> 4) * 8;
        columnHigh = ((lane >> 3) & 1) * 8;
    }
    __device__ __forceinline__ unsigned low(unsigned tile, int stride) const {
        return tile + (rowLow * stride + columnLow) * 2;
    }
    __device__ __forceinline__ unsigned high(unsigned tile, int stride) const {
        return tile + (rowHigh * stride + columnHigh) * 2;
    }
};

// What a warp works on: a head of a sequence, and 16 rows of each of its chunks. Later rows have more of the triangle;
// the two blocks of a multiprocessor take them in opposite order, so that its four schedulers get equal work.
struct Work {
    int warp, batch, head, group, rowGroup;
    __device__ __forceinline__ Work(int heads, int groups) {
        warp = threadIdx.x / WARP % WARPS;
        batch = blockIdx.x / heads;
        head = blockIdx.x % heads;
        group = head / (heads / groups);
        rowGroup = blockIdx.x >= gridDim.x / 2 ? ROW_GROUPS - 1 - warp % ROW_GROUPS : warp % ROW_GROUPS;
    }
};

// ---------------------------------------------------------------- sums of 16 rows, 8 TILES columns

template <int TILES>
__device__ __forceinline__ void clear(float (&v)[TILES][4]) {
#pragma unroll
    for (int j = 0; j < TILES; j++) {
        v[j][0] = 0;
        v[j][1] = 0;
        v[j][2] = 0;
        v[j][3] = 0;
    }
}

template <int TILES>
__device__ __forceinline__ void scaleRows(float (&v)[TILES][4], float upper, float lower) {
#pragma unroll
    for (int j = 0; j < TILES; j++) {
        v[j][0] *= upper;
        v[j][1] *= upper;
        v[j][2] *= lower;
        v[j][3] *= lower;
    }
}

// The left operand of STEPS products, 16 rows of a tile.
template <int STEPS>
__device__ __forceinline__ void loadRows(unsigned (&a)[STEPS][4], unsigned tileLow) {
#pragma unroll
    for (int k = 0; k < STEPS; k++) ldmatrix(a[k], tileLow + k * 32);
}

// out += A B, where B(k, j) is stored as rows j of length k.
template <int TILES, int STEPS>
__device__ __forceinline__ void addProduct(
    float (&out)[TILES][4], const unsigned (&a)[STEPS][4], unsigned bHigh, int stride) {
#pragma unroll
    for (int k = 0; k < STEPS; k++) {
#pragma unroll
        for (int j = 0; j < TILES; j += 2) {
            unsigned f[4];
            ldmatrix(f, bHigh + (j * 8 * stride + k * 16) * 2);
            mma(out[j], a[k], f[0], f[1]);
            mma(out[j + 1], a[k], f[2], f[3]);
        }
    }
}

// The same with B(k, j) stored as rows k.
template <int TILES, int STEPS>
__device__ __forceinline__ void addProductRows(
    float (&out)[TILES][4], const unsigned (&a)[STEPS][4], unsigned bLow, int stride) {
#pragma unroll
    for (int k = 0; k < STEPS; k++) {
#pragma unroll
        for (int j = 0; j < TILES; j += 2) {
            unsigned f[4];
            ldmatrixTransposed(f, bLow + (k * 16 * stride + j * 8) * 2);
            mma(out[j], a[k], f[0], f[1]);
            mma(out[j + 1], a[k], f[2], f[3]);
        }
    }
}

// Multiplies by L the products of this warp's 16 steps t, of which the lane's two have s_t upper and lower, with 16
// steps r of a tile. Where the two are the same steps, what lies above the diagonal becomes zero.
__device__ __forceinline__ void decay(
    float (&g)[2][4], unsigned cumulative, int tile, float upper, float lower, bool diagonal, const Lanes &l) {
#pragma unroll
    for (int i = 0; i < 2; i++) {
        float2 s = sharedFloat2(cumulative + (tile * 16 + i * 8 + l.pair * 2) * 4);
        g[i][0] *= exp2Approx(upper - s.x);
        g[i][1] *= exp2Approx(upper - s.y);
        g[i][2] *= exp2Approx(lower - s.x);
        g[i][3] *= exp2Approx(lower - s.y);
        if (diagonal) {
            int r = i * 8 + l.pair * 2;
            if (r > l.row) g[i][0] = 0;
            if (r + 1 > l.row) g[i][1] = 0;
            if (r > l.row + 8) g[i][2] = 0;
            if (r + 1 > l.row + 8) g[i][3] = 0;
        }
    }
}

__device__ __forceinline__ void toOperand(unsigned (&a)[1][4], const float (&v)[2][4]) {
    a[0][0] = toBf16Pair(v[0][0], v[0][1]);
    a[0][1] = toBf16Pair(v[0][2], v[0][3]);
    a[0][2] = toBf16Pair(v[1][0], v[1][1]);
    a[0][3] = toBf16Pair(v[1][2], v[1][3]);
}

// v += scale * tile, the tile read from shared memory where the sums of this lane lie.
template <int TILES>
__device__ __forceinline__ void addScaled(
    float (&v)[TILES][4], float scale, unsigned tile, int stride, const Lanes &l) {
    unsigned at = tile + (l.row * stride + l.pair * 2) * 2;
#pragma unroll
    for (int j = 0; j < TILES; j++) {
        unsigned upper = sharedWord(at + j * 16);
        unsigned lower = sharedWord(at + j * 16 + 8 * stride * 2);
        v[j][0] += scale * lowerBf16(upper);
        v[j][1] += scale * upperBf16(upper);
        v[j][2] += scale * lowerBf16(lower);
        v[j][3] += scale * upperBf16(lower);
    }
}

// Writes one row of packed tiles. A lane holds 4 bytes of each; the four lanes of a row exchange tiles first, so that
// each writes 16 bytes and whole 32-byte sectors leave the warp.
template <int TILES>
__device__ __forceinline__ void storeRow(Bf16 *target, unsigned (&v)[TILES], int pair, bool valid) {
    bool odd = pair & 1;
    bool upper = pair & 2;
#pragma unroll
    for (int j = 0; j < TILES; j += 2) {
        unsigned other = __shfl_xor_sync(ALL_LANES, odd ? v[j] : v[j + 1], 1);
        if (odd) {
            v[j] = other;
        } else {
            v[j + 1] = other;
        }
    }
    if constexpr (TILES % 4 == 0) {
#pragma unroll
        for (int j = 0; j < TILES; j += 4) {
            unsigned first = __shfl_xor_sync(ALL_LANES, upper ? v[j] : v[j + 2], 2);
            unsigned second = __shfl_xor_sync(ALL_LANES, upper ? v[j + 1] : v[j + 3], 2);
            uint4 piece =
                upper ? make_uint4(first, second, v[j + 2], v[j + 3]) : make_uint4(v[j], v[j + 1], first, second);
            if (valid) *(uint4 *)(target + (j + pair) * 8) = piece;
        }
    } else {
#pragma unroll
        for (int j = 0; j < TILES; j += 2) {
            if (valid) *(uint2 *)(target + (j + odd) * 8 + (upper ? 4 : 0)) = make_uint2(v[j], v[j + 1]);
        }
    }
}

template <int TILES>
__device__ __forceinline__ void storeTile(
    Bf16 *target, Size rowStride, const float (&v)[TILES][4], const Lanes &l, int validRows) {
    unsigned packed[TILES];
#pragma unroll
    for (int half = 0; half < 2; half++) {
#pragma unroll
        for (int j = 0; j < TILES; j++) packed[j] = toBf16Pair(v[j][2 * half], v[j][2 * half + 1]);
        int row = l.row + 8 * half;
        storeRow<TILES>(target + row * rowStride, packed, l.pair, row < validRows);
    }
}

template <int TILES>
__device__ __forceinline__ void storeTile(
    float *target, Size rowStride, const float (&v)[TILES][4], const Lanes &l, int validRows) {
#pragma unroll
    for (int half = 0; half < 2; half++) {
        int row = l.row + 8 * half;
        if (row < validRows) {
#pragma unroll
            for (int j = 0; j < TILES; j++) {
                *(float2 *)(target + row * rowStride + j * 8 + l.pair * 2) =
                    make_float2(v[j][2 * half], v[j][2 * half + 1]);
            }
        }
    }
}
