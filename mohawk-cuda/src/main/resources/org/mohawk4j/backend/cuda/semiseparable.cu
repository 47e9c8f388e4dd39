// The 1-semiseparable product of Mamba-2 (state space duality) and its gradient.
//
// Shapes (row-major, last index fastest):
//   x, y, dy, dx   [batch, time, heads, headDim]       bf16
//   b, c, db, dc   [batch, time, groups, stateSize]    bf16; head h reads group h / (heads / groups)
//   logDecay a     [batch, time, heads]                fp32, <= 0 (values below -110 count as -110: exp is 0 in fp32)
//   states         [batch, heads, headDim, stateSize]  fp32
//   chunkStates    [batch, heads, chunks, headDim, stateSize] bf16, the state before each chunk of 64 steps
//
//   S_t = exp(a_t) S_{t-1} + x_t b_t^T        y_t = S_t c_t + skip x_t
//
// Algorithm (the block decomposition of "Transformers are SSMs", arXiv 2405.21060, section 6, chunk = 64).
// One thread block per (batch, head) walks the chunks, so that each input is read once and each output
// written once; the state stays in fp32 registers. With s_t the running sum of a inside the chunk,
// s_Q its last value and L_tr = exp(s_t - s_r) for r <= t, else 0:
//   y_t     = sum_r L_tr (c_t . b_r) x_r + exp(s_t) S_prev c_t
//   S_next  = exp(s_Q) S_prev + sum_r exp(s_Q - s_r) x_r b_r^T
// Backward, chunks in reverse, with R the gradient of the state after the chunk, E_tr = dy_t . x_r,
// G_tr = c_t . b_r:
//   dx_r    = sum_t L_tr G_tr dy_t + exp(s_Q - s_r) R b_r + skip dy_r
//   db_r    = sum_t L_tr E_tr c_t  + exp(s_Q - s_r) R^T x_r
//   dc_t    = sum_r L_tr E_tr b_r  + exp(s_t) S_prev^T dy_t
//   R_prev  = exp(s_Q) R + sum_t exp(s_t) dy_t c_t^T
//   da_u    = exp(s_Q) <R, S_prev> + sum_{t >= u} I_t + sum_{r < u} J_r + sum_{r < u <= t} L_tr G_tr E_tr
//             I_t = c_t . (exp(s_t) S_prev^T dy_t),   J_r = b_r . (exp(s_Q - s_r) R^T x_r)
// The last sum of da is a suffix sum of (row sums - column sums) of the same fp32 products, diagonal left
// out: both sides hold equal values, so the pairs that do not span u cancel to fp32 rounding, which the
// shorter rule "suffix sum of c.dc - b.db" over bf16-rounded factors would not give.
//
// Precision: L, all sums and the states are fp32; only operands of mma are rounded to bf16.
// Determinism: every sum has a fixed order, no atomics.
//
// Bytes at batch 8, time 2048, heads = groups = 32, headDim = stateSize = 64 (one tensor = 67 MB):
//   forward   4 tensors = 268 MB, + 67 MB when the chunk states are saved;
//   backward  reads 4 tensors and the chunk states, writes 3 tensors = 537 MB.
// FLOPs: forward 4 products, backward 10, of 64^3 multiply-adds each per chunk of a head, those with L
// at 10/16 of that: 14 and 33 GFLOP at this size.
//
// Calling. All tensors 16-byte aligned; T and the shape [B, T, H, G] arbitrary, G a divisor of H;
// SSD_HEAD_DIM and SSD_STATE_SIZE one of 16, 32, 64, 128. Optional pointers may be null: initialState (zeros),
// skip, y (states only: a backward pass may recompute chunkStates that way instead of keeping them),
// finalState, chunkStates (in forward), dFinalState (zeros), dInitialState, dSkipParts ([batch, heads], the
// gradient of skip before the sum over the batch). With groups == heads, db and dc are written and dbHeads,
// dcHeads ignored; otherwise dbHeads, dcHeads [batch, time, heads, stateSize] fp32 are written and
// semiseparableGroupSum forms db and dc.
// A grid of batch * heads blocks fills the chip from about 256 up; fewer would want a chunk-parallel variant.

#include "common.cuh"

#ifndef SSD_HEAD_DIM
#define SSD_HEAD_DIM 64
#endif
#ifndef SSD_STATE_SIZE
#define SSD_STATE_SIZE 64
#endif

namespace semiseparable {

typedef unsigned short bf16; // only ever moved, or handed to mma in pairs
typedef unsigned int u32;

constexpr int kChunk = 64;
constexpr int kRowGroups = kChunk / 16;
// Eight bf16 of padding make a row an odd number of 16-byte units, so that the eight rows of an
// ldmatrix fall into different banks for every width used here.
constexpr int kPad = 8;
constexpr float kLog2e = 1.4426950408889634f;
constexpr float kLeastLogDecay = -110.0f;
constexpr int kMaxSharedBytes = 232448;
constexpr int kSharedBytesForTwoBlocks = 115712;

// How the warps of a block share the products. Row groups of 16 steps times columnWarps slices of the
// output columns for the products over time; stateRowWarps x stateColumnWarps for the state itself.
// With two roles one set of warps carries the state and another does the products that only read it, so
// that the two run side by side and neither holds the registers of the other.
template <int P, int N, int CW, int Roles>
struct Split {
    static_assert(P % 16 == 0 && N % 16 == 0 && P / CW >= 16 && N / CW >= 16, "unsupported size");
    static constexpr int warps = kRowGroups * CW;
    static constexpr int threads = 32 * warps * Roles;
    static constexpr int stateRowWarps = P / 16 < 4 ? P / 16 : 4;
    static constexpr int wantedColumnWarps = warps / stateRowWarps;
    static constexpr int stateColumnWarps = wantedColumnWarps < N / 16 ? wantedColumnWarps : N / 16;
    static constexpr int stateRows = P / stateRowWarps;
    static constexpr int stateColumns = N / stateColumnWarps;
    static constexpr int stateRowTiles = stateRows / 16;
    static constexpr int stateColumnTiles = stateColumns / 8;
    static constexpr int xRow = P + kPad;
    static constexpr int nRow = N + kPad;
    static constexpr int xTile = kChunk * xRow * 2;
    static constexpr int nTile = kChunk * nRow * 2;
    static constexpr int stateTile = P * nRow * 2;
    static constexpr int decayTile = kChunk * 4;
};

template <int P, int N, int CW, int Roles>
struct ForwardLayout : Split<P, N, CW, Roles> {
    typedef Split<P, N, CW, Roles> S;
    static constexpr int b = S::xTile;
    static constexpr int c = b + S::nTile;
    static constexpr int decay = c + S::nTile;
    static constexpr int stage = decay + S::decayTile;
    static constexpr int fixed = 2 * S::stateTile + 2 * S::decayTile;
    static constexpr int stages = 3 * stage + fixed <= kSharedBytesForTwoBlocks ? 3
        : 2 * stage + fixed <= kMaxSharedBytes ? 2 : 1;
    static constexpr int state = stages * stage;
    static constexpr int cumulative = state + 2 * S::stateTile;
    static constexpr int bytes = cumulative + 2 * S::decayTile;
};

template <int P, int N, int CW, int Roles>
struct BackwardLayout : Split<P, N, CW, Roles> {
    typedef Split<P, N, CW, Roles> S;
    static constexpr int b = S::xTile;
    static constexpr int c = b + S::nTile;
    static constexpr int dy = c + S::nTile;
    static constexpr int previous = dy + S::xTile;
    static constexpr int decay = previous + S::stateTile;
    static constexpr int stage = decay + S::decayTile;
    // Sums for the decay gradient of one chunk: row sums by row group, column sums, I and J by column warp,
    // and one term of <R, S_prev> per warp.
    static constexpr int sumsFloats = kRowGroups * kChunk + kChunk + 2 * CW * kChunk + S::warps;
    static constexpr int fixed = 2 * S::stateTile + 2 * S::decayTile + 2 * sumsFloats * 4;
    static constexpr int stages = 2 * stage + fixed <= kMaxSharedBytes ? 2 : 1;
    static constexpr int gradient = stages * stage;
    static constexpr int cumulative = gradient + 2 * S::stateTile;
    static constexpr int sums = cumulative + 2 * S::decayTile;
    static constexpr int bytes = sums + 2 * sumsFloats * 4;
};

// ---------------------------------------------------------------- instructions

__device__ __forceinline__ u32 sharedAddress(const void* pointer) {
    return static_cast<u32>(__cvta_generic_to_shared(pointer));
}

__device__ __forceinline__ float exp2Fast(float v) {
    float r;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(r) : "f"(v));
    return r;
}

__device__ __forceinline__ u32 pack(float low, float high) {
    u32 r;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(high), "f"(low));
    return r;
}

__device__ __forceinline__ float lowHalf(u32 v) { return __uint_as_float(v << 16); }
__device__ __forceinline__ float highHalf(u32 v) { return __uint_as_float(v & 0xffff0000u); }

__device__ __forceinline__ void mma(float (&d)[4], const u32 (&a)[4], u32 b0, u32 b1) {
    asm(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

__device__ __forceinline__ void ldmatrix(u32 (&r)[4], u32 address) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
        : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(address) : "memory");
}

__device__ __forceinline__ void ldmatrixTransposed(u32 (&r)[4], u32 address) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
        : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(address) : "memory");
}

__device__ __forceinline__ float sharedFloat(u32 address) {
    float v;
    asm volatile("ld.shared.f32 %0, [%1];" : "=f"(v) : "r"(address) : "memory");
    return v;
}

__device__ __forceinline__ float2 sharedFloat2(u32 address) {
    float2 v;
    asm volatile("ld.shared.v2.f32 {%0,%1}, [%2];" : "=f"(v.x), "=f"(v.y) : "r"(address) : "memory");
    return v;
}

__device__ __forceinline__ u32 sharedWord(u32 address) {
    u32 v;
    asm volatile("ld.shared.u32 %0, [%1];" : "=r"(v) : "r"(address) : "memory");
    return v;
}

__device__ __forceinline__ void storeShared(u32 address, u32 v) {
    asm volatile("st.shared.u32 [%0], %1;" :: "r"(address), "r"(v) : "memory");
}

__device__ __forceinline__ void storeShared(u32 address, float v) {
    asm volatile("st.shared.f32 [%0], %1;" :: "r"(address), "f"(v) : "memory");
}

// A barrier of the whole block that the roles may reach at different places of the program.
template <int Threads>
__device__ __forceinline__ void blockBarrier() { asm volatile("bar.sync 0, %0;" :: "n"(Threads) : "memory"); }

template <int Bytes>
__device__ __forceinline__ void copyAsync(u32 target, const void* source, bool valid) {
    // A source size of 0 fills with zeros: steps past the end then add nothing to any sum.
    int size = valid ? Bytes : 0;
    if constexpr (Bytes == 16) {
        asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" :: "r"(target), "l"(source), "r"(size) : "memory");
    } else {
        asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" :: "r"(target), "l"(source), "r"(size) : "memory");
    }
}

__device__ __forceinline__ void commitCopies() { asm volatile("cp.async.commit_group;" ::: "memory"); }

template <int Pending>
__device__ __forceinline__ void waitCopies() { asm volatile("cp.async.wait_group %0;" :: "n"(Pending) : "memory"); }

// ---------------------------------------------------------------- tiles

template <int Rows, int Width, int Threads>
__device__ __forceinline__ void loadTile(u32 tile, const bf16* source, long long rowStride, int validRows) {
    constexpr int units = Width / 8;
    #pragma unroll
    for (int i = threadIdx.x; i < Rows * units; i += Threads) {
        int row = i / units;
        int unit = i % units;
        bool valid = row < validRows;
        copyAsync<16>(tile + (row * (Width + kPad) + unit * 8) * 2,
            source + (valid ? row * rowStride + unit * 8 : 0), valid);
    }
}

// Addresses of the fragments of one mma operand, relative to the tile; `rowStride` in elements.
struct Lanes {
    int lane, row, pair;
    // A or transposed B: rows by lane & 15, second 8 columns from lane 16 on.
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
    __device__ __forceinline__ u32 low(u32 tile, int stride) const { return tile + (rowLow * stride + columnLow) * 2; }
    __device__ __forceinline__ u32 high(u32 tile, int stride) const { return tile + (rowHigh * stride + columnHigh) * 2; }
};

template <int Tiles>
__device__ __forceinline__ void clear(float (&v)[Tiles][4]) {
    #pragma unroll
    for (int j = 0; j < Tiles; j++) { v[j][0] = 0; v[j][1] = 0; v[j][2] = 0; v[j][3] = 0; }
}

// out[16 x 8 Tiles] += A[16 x 16 Steps] B, where B(k, j) is stored as rows j of length k.
template <int Tiles, int Steps>
__device__ __forceinline__ void addProduct(float (&out)[Tiles][4], const u32 (&a)[Steps][4], u32 bHigh, int stride) {
    #pragma unroll
    for (int k = 0; k < Steps; k++) {
        #pragma unroll
        for (int j = 0; j < Tiles; j += 2) {
            u32 f[4];
            ldmatrix(f, bHigh + (j * 8 * stride + k * 16) * 2);
            mma(out[j], a[k], f[0], f[1]);
            mma(out[j + 1], a[k], f[2], f[3]);
        }
    }
}

// Two such products, interleaved: each alone is a chain of dependent mma too short of parallel work.
template <int StepsU, int StepsV>
__device__ __forceinline__ void addTwoProducts(float (&u)[2][4], const u32 (&a)[StepsU][4], u32 uHigh,
                                               float (&v)[2][4], const u32 (&b)[StepsV][4], u32 vHigh) {
    #pragma unroll
    for (int k = 0; k < (StepsU > StepsV ? StepsU : StepsV); k++) {
        u32 f[4], g[4];
        if (k < StepsU) ldmatrix(f, uHigh + k * 32);
        if (k < StepsV) ldmatrix(g, vHigh + k * 32);
        if (k < StepsU) {
            mma(u[0], a[k < StepsU ? k : 0], f[0], f[1]);
            mma(u[1], a[k < StepsU ? k : 0], f[2], f[3]);
        }
        if (k < StepsV) {
            mma(v[0], b[k < StepsV ? k : 0], g[0], g[1]);
            mma(v[1], b[k < StepsV ? k : 0], g[2], g[3]);
        }
    }
}

// The same with B(k, j) stored as rows k.
template <int Tiles, int Steps>
__device__ __forceinline__ void addProductRows(float (&out)[Tiles][4], const u32 (&a)[Steps][4], u32 bLow, int stride) {
    #pragma unroll
    for (int k = 0; k < Steps; k++) {
        #pragma unroll
        for (int j = 0; j < Tiles; j += 2) {
            u32 f[4];
            ldmatrixTransposed(f, bLow + (k * 16 * stride + j * 8) * 2);
            mma(out[j], a[k], f[0], f[1]);
            mma(out[j + 1], a[k], f[2], f[3]);
        }
    }
}

template <int Steps>
__device__ __forceinline__ void loadRows(u32 (&a)[Steps][4], u32 tileLow) {
    #pragma unroll
    for (int k = 0; k < Steps; k++) ldmatrix(a[k], tileLow + k * 32);
}

template <int Tiles>
__device__ __forceinline__ void scaleRows(float (&v)[Tiles][4], float upper, float lower) {
    #pragma unroll
    for (int j = 0; j < Tiles; j++) { v[j][0] *= upper; v[j][1] *= upper; v[j][2] *= lower; v[j][3] *= lower; }
}

// Two accumulator tiles side by side are, packed, the A fragment of the next product.
__device__ __forceinline__ void toOperand(u32 (&a)[1][4], const float (&v)[2][4]) {
    a[0][0] = pack(v[0][0], v[0][1]);
    a[0][1] = pack(v[0][2], v[0][3]);
    a[0][2] = pack(v[1][0], v[1][1]);
    a[0][3] = pack(v[1][2], v[1][3]);
}

// Writes one row of packed accumulator tiles. A lane holds 4 bytes of each tile; the four lanes of a row
// exchange tiles first, so that each writes 16 bytes and whole 32-byte sectors leave the warp.
template <int Tiles>
__device__ __forceinline__ void storeRow(bf16* target, u32 (&v)[Tiles], int pair, bool valid) {
    bool odd = pair & 1;
    bool upper = pair & 2;
    #pragma unroll
    for (int j = 0; j < Tiles; j += 2) {
        u32 other = __shfl_xor_sync(0xffffffffu, odd ? v[j] : v[j + 1], 1);
        if (odd) v[j] = other; else v[j + 1] = other;
    }
    if constexpr (Tiles % 4 == 0) {
        #pragma unroll
        for (int j = 0; j < Tiles; j += 4) {
            u32 first = __shfl_xor_sync(0xffffffffu, upper ? v[j] : v[j + 2], 2);
            u32 second = __shfl_xor_sync(0xffffffffu, upper ? v[j + 1] : v[j + 3], 2);
            uint4 piece = upper ? make_uint4(first, second, v[j + 2], v[j + 3]) : make_uint4(v[j], v[j + 1], first, second);
            if (valid) *reinterpret_cast<uint4*>(target + (j + pair) * 8) = piece;
        }
    } else {
        #pragma unroll
        for (int j = 0; j < Tiles; j += 2) {
            if (valid) *reinterpret_cast<uint2*>(target + (j + odd) * 8 + (upper ? 4 : 0)) = make_uint2(v[j], v[j + 1]);
        }
    }
}

template <int Tiles>
__device__ __forceinline__ void storeTile(bf16* target, long long rowStride, const float (&v)[Tiles][4],
                                          const Lanes& l, int validRows) {
    u32 packed[Tiles];
    #pragma unroll
    for (int half = 0; half < 2; half++) {
        #pragma unroll
        for (int j = 0; j < Tiles; j++) packed[j] = pack(v[j][2 * half], v[j][2 * half + 1]);
        int row = l.row + 8 * half;
        storeRow<Tiles>(target + row * rowStride, packed, l.pair, row < validRows);
    }
}

template <int Tiles>
__device__ __forceinline__ void storeTile(float* target, long long rowStride, const float (&v)[Tiles][4],
                                          const Lanes& l, int validRows) {
    #pragma unroll
    for (int half = 0; half < 2; half++) {
        int row = l.row + 8 * half;
        if (row < validRows) {
            #pragma unroll
            for (int j = 0; j < Tiles; j++) {
                *reinterpret_cast<float2*>(target + row * rowStride + j * 8 + l.pair * 2)
                    = make_float2(v[j][2 * half], v[j][2 * half + 1]);
            }
        }
    }
}

// v += scale * tile, the tile read from shared memory where the accumulators of this lane lie.
template <int Tiles>
__device__ __forceinline__ void addScaled(float (&v)[Tiles][4], float scale, u32 tile, int stride, const Lanes& l) {
    u32 at = tile + (l.row * stride + l.pair * 2) * 2;
    #pragma unroll
    for (int j = 0; j < Tiles; j++) {
        u32 upper = sharedWord(at + j * 16);
        u32 lower = sharedWord(at + j * 16 + 8 * stride * 2);
        v[j][0] += scale * lowHalf(upper);
        v[j][1] += scale * highHalf(upper);
        v[j][2] += scale * lowHalf(lower);
        v[j][3] += scale * highHalf(lower);
    }
}

// The inner product of each of the 16 rows of v with the same row of a tile, summed over this warp's columns.
template <int Tiles>
__device__ __forceinline__ float2 rowProducts(const float (&v)[Tiles][4], u32 tile, int stride, const Lanes& l) {
    float2 sum = make_float2(0, 0);
    u32 at = tile + (l.row * stride + l.pair * 2) * 2;
    #pragma unroll
    for (int j = 0; j < Tiles; j++) {
        u32 upper = sharedWord(at + j * 16);
        u32 lower = sharedWord(at + j * 16 + 8 * stride * 2);
        sum.x += v[j][0] * lowHalf(upper) + v[j][1] * highHalf(upper);
        sum.y += v[j][2] * lowHalf(lower) + v[j][3] * highHalf(lower);
    }
    sum.x += __shfl_xor_sync(0xffffffffu, sum.x, 1);
    sum.y += __shfl_xor_sync(0xffffffffu, sum.y, 1);
    sum.x += __shfl_xor_sync(0xffffffffu, sum.x, 2);
    sum.y += __shfl_xor_sync(0xffffffffu, sum.y, 2);
    return sum;
}

__device__ __forceinline__ float warpSum(float v) {
    #pragma unroll
    for (int d = 16; d > 0; d >>= 1) v += __shfl_xor_sync(0xffffffffu, v, d);
    return v;
}

// Running sum of the log decay in the chunk, in units of log 2. The warp that scans has copied the decay
// itself, so that it can scan before the barrier of the block that publishes the tiles.
__device__ __forceinline__ void scanDecay(u32 decay, u32 cumulative, int lane) {
    __syncwarp();
    float2 v = sharedFloat2(decay + lane * 8);
    // not fmaxf, which would make a number of NaN
    float first = v.x < kLeastLogDecay ? kLeastLogDecay : v.x;
    float both = first + (v.y < kLeastLogDecay ? kLeastLogDecay : v.y);
    float sum = both;
    #pragma unroll
    for (int d = 1; d < 32; d <<= 1) {
        float before = __shfl_up_sync(0xffffffffu, sum, d);
        if (lane >= d) sum += before;
    }
    float before = __shfl_up_sync(0xffffffffu, sum, 1);
    if (lane == 0) before = 0;
    storeShared(cumulative + lane * 8, (before + first) * kLog2e);
    storeShared(cumulative + lane * 8 + 4, sum * kLog2e);
}

// ---------------------------------------------------------------- state in registers

template <class S>
struct State {
    float v[S::stateRowTiles][S::stateColumnTiles][4];
    int rowBase, columnBase;
    bool active;

    __device__ __forceinline__ State(int warp) {
        rowBase = (warp % S::stateRowWarps) * S::stateRows;
        columnBase = (warp / S::stateRowWarps) * S::stateColumns;
        active = warp / S::stateRowWarps < S::stateColumnWarps;
    }

    template <int N>
    __device__ __forceinline__ void load(const float* source, const Lanes& l) {
        #pragma unroll
        for (int i = 0; i < S::stateRowTiles; i++) {
            #pragma unroll
            for (int j = 0; j < S::stateColumnTiles; j++) {
                #pragma unroll
                for (int half = 0; half < 2; half++) {
                    float2 w = make_float2(0, 0);
                    if (source != nullptr && active) {
                        w = *reinterpret_cast<const float2*>(
                            source + (rowBase + i * 16 + half * 8 + l.row) * N + columnBase + j * 8 + l.pair * 2);
                    }
                    v[i][j][2 * half] = w.x;
                    v[i][j][2 * half + 1] = w.y;
                }
            }
        }
    }

    template <int N>
    __device__ __forceinline__ void store(float* target, const Lanes& l) const {
        if (target == nullptr || !active) return;
        #pragma unroll
        for (int i = 0; i < S::stateRowTiles; i++)
            storeTile<S::stateColumnTiles>(target + (rowBase + i * 16) * N + columnBase, N, v[i], l, 16);
    }

    template <int N>
    __device__ __forceinline__ void store(bf16* target, const Lanes& l) const {
        if (target == nullptr || !active) return;
        #pragma unroll
        for (int i = 0; i < S::stateRowTiles; i++)
            storeTile<S::stateColumnTiles>(target + (rowBase + i * 16) * N + columnBase, N, v[i], l, 16);
    }

    __device__ __forceinline__ void toShared(u32 tile, const Lanes& l) const {
        if (!active) return;
        #pragma unroll
        for (int i = 0; i < S::stateRowTiles; i++) {
            u32 at = tile + ((rowBase + i * 16 + l.row) * S::nRow + columnBase + l.pair * 2) * 2;
            #pragma unroll
            for (int j = 0; j < S::stateColumnTiles; j++) {
                storeShared(at + j * 16, pack(v[i][j][0], v[i][j][1]));
                storeShared(at + j * 16 + 8 * S::nRow * 2, pack(v[i][j][2], v[i][j][3]));
            }
        }
    }

    // state = exp(s_Q) state + sum_t w_t left_t right_t^T, with w_t = exp(s_Q - s_t) when Reversed, else exp(s_t).
    template <bool Reversed>
    __device__ __forceinline__ void advance(u32 left, u32 right, u32 cumulative, float last, const Lanes& l) {
        if (!active) return;
        float keep = exp2Fast(last);
        #pragma unroll
        for (int i = 0; i < S::stateRowTiles; i++) scaleRows<S::stateColumnTiles>(v[i], keep, keep);
        u32 leftHigh = l.high(left, S::xRow) + rowBase * 2;
        u32 rightLow = l.low(right, S::nRow) + columnBase * 2;
        #pragma unroll
        for (int k = 0; k < kChunk / 16; k++) {
            float2 near = sharedFloat2(cumulative + (k * 16 + l.pair * 2) * 4);
            float2 far = sharedFloat2(cumulative + (k * 16 + 8 + l.pair * 2) * 4);
            float w0 = exp2Fast(Reversed ? last - near.x : near.x);
            float w1 = exp2Fast(Reversed ? last - near.y : near.y);
            float w2 = exp2Fast(Reversed ? last - far.x : far.x);
            float w3 = exp2Fast(Reversed ? last - far.y : far.y);
            u32 a[S::stateRowTiles][4];
            #pragma unroll
            for (int i = 0; i < S::stateRowTiles; i++) {
                ldmatrixTransposed(a[i], leftHigh + (k * 16 * S::xRow + i * 16) * 2);
                a[i][0] = pack(w0 * lowHalf(a[i][0]), w1 * highHalf(a[i][0]));
                a[i][1] = pack(w0 * lowHalf(a[i][1]), w1 * highHalf(a[i][1]));
                a[i][2] = pack(w2 * lowHalf(a[i][2]), w3 * highHalf(a[i][2]));
                a[i][3] = pack(w2 * lowHalf(a[i][3]), w3 * highHalf(a[i][3]));
            }
            #pragma unroll
            for (int j = 0; j < S::stateColumnTiles; j += 2) {
                u32 f[4];
                ldmatrixTransposed(f, rightLow + (k * 16 * S::nRow + j * 8) * 2);
                #pragma unroll
                for (int i = 0; i < S::stateRowTiles; i++) {
                    mma(v[i][j], a[i], f[0], f[1]);
                    mma(v[i][j + 1], a[i], f[2], f[3]);
                }
            }
        }
    }

    __device__ __forceinline__ float product(u32 tile, const Lanes& l) const {
        float sum = 0;
        if (active) {
            #pragma unroll
            for (int i = 0; i < S::stateRowTiles; i++) {
                u32 at = tile + ((rowBase + i * 16 + l.row) * S::nRow + columnBase + l.pair * 2) * 2;
                #pragma unroll
                for (int j = 0; j < S::stateColumnTiles; j++) {
                    u32 upper = sharedWord(at + j * 16);
                    u32 lower = sharedWord(at + j * 16 + 8 * S::nRow * 2);
                    sum += v[i][j][0] * lowHalf(upper) + v[i][j][1] * highHalf(upper);
                    sum += v[i][j][2] * lowHalf(lower) + v[i][j][3] * highHalf(lower);
                }
            }
        }
        return warpSum(sum);
    }
};

// ---------------------------------------------------------------- forward

template <int P, int N, int CW, int Roles, int Role>
__device__ __forceinline__ void forwardRole(
        const bf16* x, const bf16* b, const bf16* c, const float* logDecay, const float* initialState,
        const float* skip, bf16* y, float* finalState, bf16* chunkStates, int time, int heads, int groups) {
    typedef ForwardLayout<P, N, CW, Roles> S;
    constexpr bool doesOutput = Role == 0;
    constexpr bool carriesState = Role == Roles - 1;
    constexpr int columns = P / CW;
    constexpr int tiles = columns / 8;
    extern __shared__ __align__(16) unsigned char sharedBytes[];
    const u32 shared = sharedAddress(sharedBytes);
    const Lanes l;
    const int warp = threadIdx.x / 32 % S::warps;
    const int batch = blockIdx.x / heads;
    const int head = blockIdx.x % heads;
    const int group = head / (heads / groups);
    // Later row groups have more of the triangle; the two blocks of a multiprocessor take them in opposite
    // order, so that its four schedulers get equal work.
    const int rowGroup = blockIdx.x >= gridDim.x / 2 ? kRowGroups - 1 - warp % kRowGroups : warp % kRowGroups;
    const bool scanner = rowGroup == 0 && warp / kRowGroups == 0 && Role == Roles - 1;
    const int columnBase = (warp / kRowGroups) * columns;
    const int chunks = (time + kChunk - 1) / kChunk;
    const long long xStride = (long long) heads * P;
    const long long nStride = (long long) groups * N;
    x += (long long) batch * time * xStride + head * P;
    if (y != nullptr) y += (long long) batch * time * xStride + head * P;
    b += (long long) batch * time * nStride + group * N;
    c += (long long) batch * time * nStride + group * N;
    logDecay += (long long) batch * time * heads + head;
    const long long stateOffset = (long long) blockIdx.x * P * N;
    if (chunkStates != nullptr) chunkStates += stateOffset * chunks;
    const float skipFactor = skip != nullptr ? skip[head] : 0.0f;

    auto prefetch = [&](int chunk) {
        if (chunk < chunks) {
            u32 stage = shared + (chunk % S::stages) * S::stage;
            long long first = (long long) chunk * kChunk;
            int valid = min(kChunk, time - chunk * kChunk);
            loadTile<kChunk, P, S::threads>(stage, x + first * xStride, xStride, valid);
            loadTile<kChunk, N, S::threads>(stage + S::b, b + first * nStride, nStride, valid);
            if (y != nullptr) loadTile<kChunk, N, S::threads>(stage + S::c, c + first * nStride, nStride, valid);
            if (scanner) {
                #pragma unroll
                for (int i = l.lane; i < kChunk; i += 32)
                    copyAsync<4>(stage + S::decay + i * 4, logDecay + (i < valid ? (first + i) * heads : 0), i < valid);
            }
        }
        commitCopies();
    };

    #pragma unroll
    for (int i = 0; i < S::stages - 1; i++) prefetch(i);

    State<S> state(warp);
    if constexpr (carriesState)
        state.template load<N>(initialState != nullptr ? initialState + stateOffset : nullptr, l);
    #pragma unroll 1
    for (int chunk = 0; chunk < chunks; chunk++) {
        const u32 stage = shared + (chunk % S::stages) * S::stage;
        const u32 stateTile = shared + S::state + (chunk & 1) * S::stateTile;
        const u32 cumulative = shared + S::cumulative + (chunk & 1) * S::decayTile;
        if constexpr (S::stages == 1) {
            blockBarrier<S::threads>();
            prefetch(chunk);
        }
        if constexpr (carriesState) {
            state.toShared(stateTile, l);
            if (chunkStates != nullptr) state.template store<N>(chunkStates + (long long) chunk * P * N, l);
        }
        waitCopies<(S::stages > 1 ? S::stages - 2 : 0)>();
        if (scanner) scanDecay(stage + S::decay, cumulative, l.lane);
        // The only barrier of a chunk: the stage has arrived, the state is written, and everyone has left
        // the stage and the other state tile of the chunk before, which are overwritten from here on.
        blockBarrier<S::threads>();
        if constexpr (S::stages > 1) prefetch(chunk + S::stages - 1);
        const float last = sharedFloat(cumulative + (kChunk - 1) * 4);

        if constexpr (doesOutput) if (y != nullptr) {
            const int firstRow = rowGroup * 16;
            const float upper = sharedFloat(cumulative + (firstRow + l.row) * 4);
            const float lower = sharedFloat(cumulative + (firstRow + l.row + 8) * 4);
            u32 cRows[N / 16][4];
            loadRows<N / 16>(cRows, l.low(stage + S::c, S::nRow) + firstRow * S::nRow * 2);
            float out[tiles][4];
            clear<tiles>(out);
            addProduct<tiles, N / 16>(out, cRows, l.high(stateTile, S::nRow) + columnBase * S::nRow * 2, S::nRow);
            scaleRows<tiles>(out, exp2Fast(upper), exp2Fast(lower));
            const u32 bHigh = l.high(stage + S::b, S::nRow);
            const u32 xLow = l.low(stage, S::xRow) + columnBase * 2;
            #pragma unroll
            for (int j = 0; j < kRowGroups; j++) {
                if (j <= rowGroup) {
                    float g[2][4];
                    clear<2>(g);
                    addProduct<2, N / 16>(g, cRows, bHigh + j * 16 * S::nRow * 2, S::nRow);
                    #pragma unroll
                    for (int i = 0; i < 2; i++) {
                        float2 s = sharedFloat2(cumulative + (j * 16 + i * 8 + l.pair * 2) * 4);
                        g[i][0] *= exp2Fast(upper - s.x);
                        g[i][1] *= exp2Fast(upper - s.y);
                        g[i][2] *= exp2Fast(lower - s.x);
                        g[i][3] *= exp2Fast(lower - s.y);
                        if (j == rowGroup) {
                            int r = i * 8 + l.pair * 2;
                            if (r > l.row) g[i][0] = 0;
                            if (r + 1 > l.row) g[i][1] = 0;
                            if (r > l.row + 8) g[i][2] = 0;
                            if (r + 1 > l.row + 8) g[i][3] = 0;
                        }
                    }
                    u32 m[1][4];
                    toOperand(m, g);
                    addProductRows<tiles, 1>(out, m, xLow + j * 16 * S::xRow * 2, S::xRow);
                }
            }
            if (skip != nullptr)
                addScaled<tiles>(out, skipFactor, stage + (firstRow * S::xRow + columnBase) * 2, S::xRow, l);
            const int firstStep = chunk * kChunk + firstRow;
            storeTile<tiles>(y + firstStep * xStride + columnBase, xStride, out, l, time - firstStep);
        }
        if constexpr (carriesState) state.template advance<true>(stage, stage + S::b, cumulative, last, l);
    }
    if constexpr (carriesState)
        state.template store<N>(finalState != nullptr ? finalState + stateOffset : nullptr, l);
    waitCopies<0>();
}

template <int P, int N, int CW, int Roles>
__device__ __forceinline__ void forward(
        const bf16* x, const bf16* b, const bf16* c, const float* logDecay, const float* initialState,
        const float* skip, bf16* y, float* finalState, bf16* chunkStates, int time, int heads, int groups) {
    if (Roles == 1 || threadIdx.x < 128 * CW) {
        forwardRole<P, N, CW, Roles, 0>(x, b, c, logDecay, initialState, skip, y, finalState, chunkStates, time, heads, groups);
    } else {
        forwardRole<P, N, CW, Roles, Roles - 1>(x, b, c, logDecay, initialState, skip, y, finalState, chunkStates, time, heads, groups);
    }
}

// ---------------------------------------------------------------- backward

// The decay gradient of one chunk from the sums its warps left; one warp, two steps a lane.
template <int P, int N, int CW, int Roles>
__device__ __forceinline__ void storeDecayGradient(float* dLogDecay, u32 sums, int firstStep, int time, int heads, int lane) {
    typedef BackwardLayout<P, N, CW, Roles> S;
    constexpr int tile = kChunk * 4;
    const u32 columnSums = sums + kRowGroups * tile;
    const u32 outgoing = columnSums + tile;
    const u32 incoming = outgoing + CW * tile;
    const u32 boundary = incoming + CW * tile;
    float base = 0;
    #pragma unroll
    for (int w = 0; w < S::warps; w++) base += sharedFloat(boundary + w * 4);
    float suffix[2], prefix[2];
    #pragma unroll
    for (int e = 0; e < 2; e++) {
        int t = lane * 2 + e;
        float pairs = -sharedFloat(columnSums + t * 4);
        #pragma unroll
        for (int g = 0; g < kRowGroups; g++) {
            float rowSum = sharedFloat(sums + g * tile + t * 4);
            // A row group wrote only the steps at or after its own.
            if (g <= t / 16) pairs += rowSum;
        }
        float i = 0, j = 0;
        #pragma unroll
        for (int w = 0; w < CW; w++) {
            i += sharedFloat(outgoing + w * tile + t * 4);
            j += sharedFloat(incoming + w * tile + t * 4);
        }
        suffix[e] = pairs + i;
        prefix[e] = j;
    }
    float after = suffix[0] + suffix[1];
    float before = prefix[0] + prefix[1];
    #pragma unroll
    for (int d = 1; d < 32; d <<= 1) {
        float fromAfter = __shfl_down_sync(0xffffffffu, after, d);
        float fromBefore = __shfl_up_sync(0xffffffffu, before, d);
        if (lane + d < 32) after += fromAfter;
        if (lane >= d) before += fromBefore;
    }
    float laterAfter = __shfl_down_sync(0xffffffffu, after, 1);
    float earlierBefore = __shfl_up_sync(0xffffffffu, before, 1);
    if (lane == 31) laterAfter = 0;
    if (lane == 0) earlierBefore = 0;
    int step = firstStep + lane * 2;
    if (step < time) dLogDecay[(long long) step * heads] = base + after + earlierBefore;
    if (step + 1 < time) dLogDecay[(long long) (step + 1) * heads] = base + laterAfter + suffix[1] + earlierBefore + prefix[0];
}

template <int P, int N, int CW, int Roles, int Role>
__device__ __forceinline__ void backwardRole(
        const bf16* x, const bf16* b, const bf16* c, const float* logDecay, const float* skip,
        const bf16* chunkStates, const bf16* dy, const float* dFinalState,
        bf16* dx, bf16* db, bf16* dc, float* dbHeads, float* dcHeads,
        float* dLogDecay, float* dInitialState, float* dSkipParts, int time, int heads, int groups) {
    typedef BackwardLayout<P, N, CW, Roles> S;
    constexpr bool readsState = Role == 0;
    constexpr bool carriesState = Role == Roles - 1;
    constexpr int xColumns = P / CW;
    constexpr int nColumns = N / CW;
    constexpr int xTiles = xColumns / 8;
    constexpr int nTiles = nColumns / 8;
    constexpr int sumTile = kChunk * 4;
    extern __shared__ __align__(16) unsigned char sharedBytes[];
    const u32 shared = sharedAddress(sharedBytes);
    const Lanes l;
    const int warp = threadIdx.x / 32 % S::warps;
    const int batch = blockIdx.x / heads;
    const int head = blockIdx.x % heads;
    const int group = head / (heads / groups);
    const int rowGroup = blockIdx.x >= gridDim.x / 2 ? kRowGroups - 1 - warp % kRowGroups : warp % kRowGroups;
    const int columnWarp = warp / kRowGroups;
    const bool scanner = rowGroup == 0 && columnWarp == 0 && Role == Roles - 1;
    const int firstRow = rowGroup * 16;
    const int chunks = (time + kChunk - 1) / kChunk;
    const long long xStride = (long long) heads * P;
    const long long nStride = (long long) groups * N;
    const long long headStride = (long long) heads * N;
    const long long stateOffset = (long long) blockIdx.x * P * N;
    x += (long long) batch * time * xStride + head * P;
    dy += (long long) batch * time * xStride + head * P;
    dx += (long long) batch * time * xStride + head * P + columnWarp * xColumns;
    b += (long long) batch * time * nStride + group * N;
    c += (long long) batch * time * nStride + group * N;
    // With one head per group the gradients of b and c are final here; otherwise each head leaves fp32
    // parts and groupSum adds them in a fixed order.
    const bool direct = heads == groups;
    if (direct) {
        db += (long long) batch * time * nStride + group * N + columnWarp * nColumns;
        dc += (long long) batch * time * nStride + group * N + columnWarp * nColumns;
    } else {
        dbHeads += (long long) batch * time * headStride + head * N + columnWarp * nColumns;
        dcHeads += (long long) batch * time * headStride + head * N + columnWarp * nColumns;
    }
    logDecay += (long long) batch * time * heads + head;
    dLogDecay += (long long) batch * time * heads + head;
    chunkStates += stateOffset * chunks;
    const float skipFactor = skip != nullptr ? skip[head] : 0.0f;
    float skipGradient = 0;

    auto prefetch = [&](int chunk) {
        if (chunk >= 0) {
            u32 stage = shared + (chunk % S::stages) * S::stage;
            long long first = (long long) chunk * kChunk;
            int valid = min(kChunk, time - chunk * kChunk);
            loadTile<kChunk, P, S::threads>(stage, x + first * xStride, xStride, valid);
            loadTile<kChunk, N, S::threads>(stage + S::b, b + first * nStride, nStride, valid);
            loadTile<kChunk, N, S::threads>(stage + S::c, c + first * nStride, nStride, valid);
            loadTile<kChunk, P, S::threads>(stage + S::dy, dy + first * xStride, xStride, valid);
            loadTile<P, N, S::threads>(stage + S::previous, chunkStates + (long long) chunk * P * N, N, P);
            if (scanner) {
                #pragma unroll
                for (int i = l.lane; i < kChunk; i += 32)
                    copyAsync<4>(stage + S::decay + i * 4, logDecay + (i < valid ? (first + i) * heads : 0), i < valid);
            }
        }
        commitCopies();
    };

    if constexpr (S::stages > 1) prefetch(chunks - 1);

    State<S> gradient(warp);
    if constexpr (carriesState)
        gradient.template load<N>(dFinalState != nullptr ? dFinalState + stateOffset : nullptr, l);
    #pragma unroll 1
    for (int chunk = chunks - 1; chunk >= 0; chunk--) {
        const u32 stage = shared + (chunk % S::stages) * S::stage;
        const u32 gradientTile = shared + S::gradient + (chunk & 1) * S::stateTile;
        const u32 sums = shared + S::sums + (chunk & 1) * S::sumsFloats * 4;
        const u32 cumulative = shared + S::cumulative + (chunk & 1) * S::decayTile;
        if constexpr (S::stages == 1) {
            blockBarrier<S::threads>();
            prefetch(chunk);
        }
        if constexpr (carriesState) gradient.toShared(gradientTile, l);
        waitCopies<0>();
        if (scanner) scanDecay(stage + S::decay, cumulative, l.lane);
        // As in the forward pass the only barrier of a chunk.
        blockBarrier<S::threads>();
        if constexpr (S::stages > 1) prefetch(chunk - 1);
        const float last = sharedFloat(cumulative + (kChunk - 1) * 4);
        const int firstStep = chunk * kChunk + firstRow;
        const int validRows = time - firstStep;
        const float upper = sharedFloat(cumulative + (firstRow + l.row) * 4);
        const float lower = sharedFloat(cumulative + (firstRow + l.row + 8) * 4);
        const u32 xTile = stage, bTile = stage + S::b, cTile = stage + S::c, dyTile = stage + S::dy;

        if constexpr (readsState) {   // dx and db: this warp's rows are the reading steps r.
            u32 bRows[N / 16][4], xRows[P / 16][4];
            loadRows<N / 16>(bRows, l.low(bTile, S::nRow) + firstRow * S::nRow * 2);
            loadRows<P / 16>(xRows, l.low(xTile, S::xRow) + firstRow * S::xRow * 2);
            float dxRows[xTiles][4], dbRows[nTiles][4];
            clear<xTiles>(dxRows);
            clear<nTiles>(dbRows);
            addProduct<xTiles, N / 16>(dxRows, bRows,
                l.high(gradientTile, S::nRow) + columnWarp * xColumns * S::nRow * 2, S::nRow);
            addProductRows<nTiles, P / 16>(dbRows, xRows,
                l.low(gradientTile, S::nRow) + columnWarp * nColumns * 2, S::nRow);
            const float upperLeft = exp2Fast(last - upper), lowerLeft = exp2Fast(last - lower);
            scaleRows<xTiles>(dxRows, upperLeft, lowerLeft);
            scaleRows<nTiles>(dbRows, upperLeft, lowerLeft);
            const u32 incoming = sums + (kRowGroups + 1 + CW + columnWarp) * sumTile;
            float2 j = rowProducts<nTiles>(dbRows, bTile + (firstRow * S::nRow + columnWarp * nColumns) * 2, S::nRow, l);
            if (l.pair == 0) {
                storeShared(incoming + (firstRow + l.row) * 4, j.x);
                storeShared(incoming + (firstRow + l.row + 8) * 4, j.y);
            }
            float2 columnSum = make_float2(0, 0);
            const u32 cHigh = l.high(cTile, S::nRow), dyHigh = l.high(dyTile, S::xRow);
            const u32 cLow = l.low(cTile, S::nRow) + columnWarp * nColumns * 2;
            const u32 dyLow = l.low(dyTile, S::xRow) + columnWarp * xColumns * 2;
            #pragma unroll 1
            for (int ahead = 0; ahead < kRowGroups; ahead++) {
                const int tile = rowGroup + ahead;
                if (tile >= kRowGroups) break;
                float g[2][4], e[2][4];
                clear<2>(g);
                clear<2>(e);
                addTwoProducts<N / 16, P / 16>(g, bRows, cHigh + tile * 16 * S::nRow * 2,
                                               e, xRows, dyHigh + tile * 16 * S::xRow * 2);
                float pairs[4];
                #pragma unroll
                for (int i = 0; i < 2; i++) {
                    float2 s = sharedFloat2(cumulative + (tile * 16 + i * 8 + l.pair * 2) * 4);
                    float factor[4] = { exp2Fast(s.x - upper), exp2Fast(s.y - upper),
                                        exp2Fast(s.x - lower), exp2Fast(s.y - lower) };
                    float w[4];
                    #pragma unroll
                    for (int q = 0; q < 4; q++) {
                        int later = i * 8 + l.pair * 2 + (q & 1) - l.row - (q >> 1) * 8;
                        bool diagonal = ahead == 0;
                        if (diagonal && later == 0) skipGradient += e[i][q];
                        g[i][q] *= factor[q];
                        if (diagonal && later < 0) { g[i][q] = 0; factor[q] = 0; }
                        w[q] = diagonal && later <= 0 ? 0.0f : g[i][q] * e[i][q];
                        e[i][q] *= factor[q];
                        if (diagonal && later < 0) e[i][q] = 0;
                    }
                    columnSum.x += w[0] + w[1];
                    columnSum.y += w[2] + w[3];
                    pairs[2 * i] = w[0] + w[2];
                    pairs[2 * i + 1] = w[1] + w[3];
                }
                u32 m[1][4];
                toOperand(m, g);
                addProductRows<xTiles, 1>(dxRows, m, dyLow + tile * 16 * S::xRow * 2, S::xRow);
                toOperand(m, e);
                addProductRows<nTiles, 1>(dbRows, m, cLow + tile * 16 * S::nRow * 2, S::nRow);
                if (CW == 1 || columnWarp == 0) {
                    // Sums over the 16 steps r for each t; the lanes halve the four columns they hold as they add.
                    bool four = l.lane & 4, eight = l.lane & 8;
                    float k0 = four ? pairs[2] : pairs[0], k1 = four ? pairs[3] : pairs[1];
                    k0 += __shfl_xor_sync(0xffffffffu, four ? pairs[0] : pairs[2], 4);
                    k1 += __shfl_xor_sync(0xffffffffu, four ? pairs[1] : pairs[3], 4);
                    float k = (eight ? k1 : k0) + __shfl_xor_sync(0xffffffffu, eight ? k0 : k1, 8);
                    k += __shfl_xor_sync(0xffffffffu, k, 16);
                    if (l.lane < 16) {
                        int t = tile * 16 + (four ? 8 : 0) + l.pair * 2 + (eight ? 1 : 0);
                        storeShared(sums + rowGroup * sumTile + t * 4, k);
                    }
                }
            }
            if (CW == 1 || columnWarp == 0) {
                columnSum.x += __shfl_xor_sync(0xffffffffu, columnSum.x, 1);
                columnSum.y += __shfl_xor_sync(0xffffffffu, columnSum.y, 1);
                columnSum.x += __shfl_xor_sync(0xffffffffu, columnSum.x, 2);
                columnSum.y += __shfl_xor_sync(0xffffffffu, columnSum.y, 2);
                if (l.pair == 0) {
                    storeShared(sums + kRowGroups * sumTile + (firstRow + l.row) * 4, columnSum.x);
                    storeShared(sums + kRowGroups * sumTile + (firstRow + l.row + 8) * 4, columnSum.y);
                }
            }
            if (skip != nullptr)
                addScaled<xTiles>(dxRows, skipFactor, dyTile + (firstRow * S::xRow + columnWarp * xColumns) * 2, S::xRow, l);
            storeTile<xTiles>(dx + firstStep * xStride, xStride, dxRows, l, validRows);
            if (direct) storeTile<nTiles>(db + firstStep * nStride, nStride, dbRows, l, validRows);
            else storeTile<nTiles>(dbHeads + firstStep * headStride, headStride, dbRows, l, validRows);
        }
        if constexpr (carriesState) {   // dc: this warp's rows are the writing steps t. E is formed again, transposed: cheaper than
            // a trip of the first one through shared memory with its barrier.
            u32 dyRows[P / 16][4];
            loadRows<P / 16>(dyRows, l.low(dyTile, S::xRow) + firstRow * S::xRow * 2);
            float dcRows[nTiles][4];
            clear<nTiles>(dcRows);
            addProductRows<nTiles, P / 16>(dcRows, dyRows,
                l.low(stage + S::previous, S::nRow) + columnWarp * nColumns * 2, S::nRow);
            scaleRows<nTiles>(dcRows, exp2Fast(upper), exp2Fast(lower));
            const u32 outgoing = sums + (kRowGroups + 1 + columnWarp) * sumTile;
            float2 i2 = rowProducts<nTiles>(dcRows, cTile + (firstRow * S::nRow + columnWarp * nColumns) * 2, S::nRow, l);
            if (l.pair == 0) {
                storeShared(outgoing + (firstRow + l.row) * 4, i2.x);
                storeShared(outgoing + (firstRow + l.row + 8) * 4, i2.y);
            }
            const u32 xHigh = l.high(xTile, S::xRow);
            const u32 bLow = l.low(bTile, S::nRow) + columnWarp * nColumns * 2;
            #pragma unroll 1
            for (int tile = 0; tile < kRowGroups; tile++) {
                if (tile > rowGroup) break;
                float e[2][4];
                clear<2>(e);
                addProduct<2, P / 16>(e, dyRows, xHigh + tile * 16 * S::xRow * 2, S::xRow);
                #pragma unroll
                for (int i = 0; i < 2; i++) {
                    float2 s = sharedFloat2(cumulative + (tile * 16 + i * 8 + l.pair * 2) * 4);
                    e[i][0] *= exp2Fast(upper - s.x);
                    e[i][1] *= exp2Fast(upper - s.y);
                    e[i][2] *= exp2Fast(lower - s.x);
                    e[i][3] *= exp2Fast(lower - s.y);
                    if (tile == rowGroup) {
                        int r = i * 8 + l.pair * 2;
                        if (r > l.row) e[i][0] = 0;
                        if (r + 1 > l.row) e[i][1] = 0;
                        if (r > l.row + 8) e[i][2] = 0;
                        if (r + 1 > l.row + 8) e[i][3] = 0;
                    }
                }
                u32 m[1][4];
                toOperand(m, e);
                addProductRows<nTiles, 1>(dcRows, m, bLow + tile * 16 * S::nRow * 2, S::nRow);
            }
            if (direct) storeTile<nTiles>(dc + firstStep * nStride, nStride, dcRows, l, validRows);
            else storeTile<nTiles>(dcHeads + firstStep * headStride, headStride, dcRows, l, validRows);
        }
        if constexpr (carriesState) {
            float boundary = exp2Fast(last) * gradient.product(stage + S::previous, l);
            if (l.lane == 0) storeShared(sums + (kRowGroups + 1 + 2 * CW) * sumTile + warp * 4, boundary);
            gradient.template advance<false>(dyTile, cTile, cumulative, last, l);
        }
        // The sums of the chunk done before this one: complete since the barrier above, and kept until the next.
        if (scanner && chunk + 1 < chunks) {
            storeDecayGradient<P, N, CW, Roles>(dLogDecay, shared + S::sums + ((chunk + 1) & 1) * S::sumsFloats * 4,
                (chunk + 1) * kChunk, time, heads, l.lane);
        }
    }
    if constexpr (carriesState)
        gradient.template store<N>(dInitialState != nullptr ? dInitialState + stateOffset : nullptr, l);
    blockBarrier<S::threads>();
    if (scanner && chunks > 0)
        storeDecayGradient<P, N, CW, Roles>(dLogDecay, shared + S::sums, 0, time, heads, l.lane);
    if (dSkipParts != nullptr) {
        blockBarrier<S::threads>();
        float sum = warpSum(skipGradient);
        if (Role == 0 && l.lane == 0) storeShared(shared + S::sums + warp * 4, sum);
        blockBarrier<S::threads>();
        if (threadIdx.x == 0) {
            float total = 0;
            // The warps of column 0 hold every diagonal element once; the others hold copies.
            for (int w = 0; w < kRowGroups; w++) total += sharedFloat(shared + S::sums + w * 4);
            dSkipParts[blockIdx.x] = total;
        }
    }
    waitCopies<0>();
}

template <int P, int N, int CW, int Roles>
__device__ __forceinline__ void backward(
        const bf16* x, const bf16* b, const bf16* c, const float* logDecay, const float* skip,
        const bf16* chunkStates, const bf16* dy, const float* dFinalState,
        bf16* dx, bf16* db, bf16* dc, float* dbHeads, float* dcHeads,
        float* dLogDecay, float* dInitialState, float* dSkipParts, int time, int heads, int groups) {
    if (Roles == 1 || threadIdx.x < 128 * CW) {
        backwardRole<P, N, CW, Roles, 0>(x, b, c, logDecay, skip, chunkStates, dy, dFinalState, dx, db, dc,
            dbHeads, dcHeads, dLogDecay, dInitialState, dSkipParts, time, heads, groups);
    } else {
        backwardRole<P, N, CW, Roles, Roles - 1>(x, b, c, logDecay, skip, chunkStates, dy, dFinalState, dx, db, dc,
            dbHeads, dcHeads, dLogDecay, dInitialState, dSkipParts, time, heads, groups);
    }
}

}  // namespace semiseparable

// Warps per row group and roles, chosen by timing. The host launches 128 * column warps * roles threads.
#ifndef SSD_FORWARD_COLUMN_WARPS
#define SSD_FORWARD_COLUMN_WARPS 1
#endif
#ifndef SSD_BACKWARD_COLUMN_WARPS
#define SSD_BACKWARD_COLUMN_WARPS 1
#endif
#ifndef SSD_FORWARD_ROLES
#define SSD_FORWARD_ROLES 2
#endif
#ifndef SSD_BACKWARD_ROLES
#define SSD_BACKWARD_ROLES (SSD_HEAD_DIM + SSD_STATE_SIZE > 128 ? 2 : 1)
#endif

// What a launch needs: threads and dynamic shared memory, forward and backward.
extern "C" __device__ int semiseparableSizes[4] = {
    semiseparable::ForwardLayout<SSD_HEAD_DIM, SSD_STATE_SIZE, SSD_FORWARD_COLUMN_WARPS, SSD_FORWARD_ROLES>::threads,
    semiseparable::ForwardLayout<SSD_HEAD_DIM, SSD_STATE_SIZE, SSD_FORWARD_COLUMN_WARPS, SSD_FORWARD_ROLES>::bytes,
    semiseparable::BackwardLayout<SSD_HEAD_DIM, SSD_STATE_SIZE, SSD_BACKWARD_COLUMN_WARPS, SSD_BACKWARD_ROLES>::threads,
    semiseparable::BackwardLayout<SSD_HEAD_DIM, SSD_STATE_SIZE, SSD_BACKWARD_COLUMN_WARPS, SSD_BACKWARD_ROLES>::bytes};

extern "C" __global__ void __launch_bounds__(128 * SSD_FORWARD_COLUMN_WARPS * SSD_FORWARD_ROLES, SSD_HEAD_DIM + SSD_STATE_SIZE > 128 ? 1 : 2)
semiseparableForward(
        const unsigned short* __restrict__ x, const unsigned short* __restrict__ b, const unsigned short* __restrict__ c,
        const float* __restrict__ logDecay, const float* __restrict__ initialState, const float* __restrict__ skip,
        unsigned short* __restrict__ y, float* __restrict__ finalState, unsigned short* __restrict__ chunkStates,
        int time, int heads, int groups) {
    semiseparable::forward<SSD_HEAD_DIM, SSD_STATE_SIZE, SSD_FORWARD_COLUMN_WARPS, SSD_FORWARD_ROLES>(
        x, b, c, logDecay, initialState, skip, y, finalState, chunkStates, time, heads, groups);
}

extern "C" __global__ void __launch_bounds__(128 * SSD_BACKWARD_COLUMN_WARPS * SSD_BACKWARD_ROLES, SSD_HEAD_DIM + SSD_STATE_SIZE > 128 ? 1 : 2)
semiseparableBackward(
        const unsigned short* __restrict__ x, const unsigned short* __restrict__ b, const unsigned short* __restrict__ c,
        const float* __restrict__ logDecay, const float* __restrict__ skip,
        const unsigned short* __restrict__ chunkStates, const unsigned short* __restrict__ dy,
        const float* __restrict__ dFinalState,
        unsigned short* __restrict__ dx, unsigned short* __restrict__ db, unsigned short* __restrict__ dc,
        float* __restrict__ dbHeads, float* __restrict__ dcHeads, float* __restrict__ dLogDecay,
        float* __restrict__ dInitialState, float* __restrict__ dSkipParts, int time, int heads, int groups) {
    semiseparable::backward<SSD_HEAD_DIM, SSD_STATE_SIZE, SSD_BACKWARD_COLUMN_WARPS, SSD_BACKWARD_ROLES>(
        x, b, c, logDecay, skip, chunkStates, dy, dFinalState, dx, db, dc, dbHeads, dcHeads,
        dLogDecay, dInitialState, dSkipParts, time, heads, groups);
}

// Adds the per-head gradients of b (blockIdx.y 0) and c (1) over the heads of each group, in head order.
// Launch with ceil(batch * time * groups * stateSize / 2 / blockDim.x) x 2 blocks; only when groups < heads.
extern "C" __global__ void semiseparableGroupSum(
        const float* __restrict__ dbHeads, const float* __restrict__ dcHeads,
        unsigned short* __restrict__ db, unsigned short* __restrict__ dc,
        long long pairs, int headsPerGroup, int stateSize) {
    long long i = (long long) blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= pairs) return;
    int half = stateSize / 2;
    const float2* in = reinterpret_cast<const float2*>(blockIdx.y == 0 ? dbHeads : dcHeads)
        + i / half * headsPerGroup * half + i % half;
    float2 sum = make_float2(0, 0);
    for (int h = 0; h < headsPerGroup; h++) {
        float2 v = in[(long long) h * half];
        sum.x += v.x;
        sum.y += v.y;
    }
    reinterpret_cast<unsigned int*>(blockIdx.y == 0 ? db : dc)[i] = semiseparable::pack(sum.x, sum.y);
}
