/*
 * Causal softmax attention, forward and backward, without a Tq x T array.
 *
 * Shapes (bf16, contiguous): q, out, dout, dq [B,Tq,H,P]; k, v, dk, dv [B,T,G,P]; lse, delta [B,H,Tq] fp32.
 * G divides H; head h reads group h / (H/G). Query i stands at key position T-Tq+i and sees keys 0 .. T-Tq+i
 * (Tq <= T). scale > 0. P is ATTENTION_P: 32, 64 or 128. All pointers 16-byte aligned.
 *
 *   s = scale q k',  p = softmax(s) over the keys seen,  out = p v,  lse = log sum exp s   (natural logarithm)
 *   delta = rowsum(dout * out),  ds = p * (dout v' - delta),  dq = scale ds k,  dk = scale ds' q,  dv = p' dout
 *
 * Algorithm: tiled online softmax with recomputation in the backward pass, after Dao et al., "FlashAttention"
 * (2022) and "FlashAttention-2" (2023); written from the equations. The backward pass is split into a kernel over key
 * tiles (dk, dv; it loops over the heads of a group, then over query tiles) and one over query tiles (dq): s and p
 * are computed twice, but every sum has one owner and a fixed order, so results are equal bit for bit between runs.
 * In the kernel over key tiles the scores are formed transposed (keys as rows), so that p' and ds' leave one product
 * in just the register layout in which the next one takes its left operand: no round trip through shared memory.
 *
 * FLOPs, S = number of (query, key) pairs seen = about Tq*(T-Tq/2), per head and sample:
 *   forward 4 S P; delta 2 Tq P; dk,dv 8 S P; dq 6 S P.
 * Bytes, at least (each tensor once): forward 2P(2 Tq H + 2 T G) B; delta 4 Tq H P B; dk,dv 2P(2 Tq H + 4 T G) B;
 *   dq 2P(3 Tq H + 2 T G) B, and lse, delta. K,V are streamed once per 128 queries (Q,dO once per 64*KEY_WARPGROUPS keys),
 *   mostly out of L2 since the tiles of one head are neighbours in the grid.
 *
 * Products run on wgmma (sm_90a); with ATTENTION_WARP_MMA defined, on mma.sync m16n8k16 with ldmatrix over the very same
 * shared-memory and register layouts: slower, a check on the descriptors, and what other architectures from sm_80 on run.
 */

#ifndef ATTENTION_P
#define ATTENTION_P 64
#endif
#ifndef ATTENTION_QUERY_WARPGROUPS
#define ATTENTION_QUERY_WARPGROUPS 2
#endif
#ifndef ATTENTION_DQ_WARPGROUPS
#define ATTENTION_DQ_WARPGROUPS 2
#endif
#ifndef ATTENTION_KEY_WARPGROUPS
#define ATTENTION_KEY_WARPGROUPS 1
#endif
#ifndef ATTENTION_FORWARD_BLOCKS
#define ATTENTION_FORWARD_BLOCKS (ATTENTION_P == 128 ? 1 : 2)
#endif
#ifndef ATTENTION_FORWARD_STAGES
#define ATTENTION_FORWARD_STAGES (ATTENTION_P == 64 ? 3 : 2)
#endif
#ifndef ATTENTION_DQ_BLOCKS
#define ATTENTION_DQ_BLOCKS (ATTENTION_P == 128 ? 1 : 2)
#endif
#ifndef ATTENTION_KEY_BLOCKS
#define ATTENTION_KEY_BLOCKS (ATTENTION_P == 128 ? 1 : ATTENTION_P == 64 ? 3 : 4)
#endif

namespace attention {

constexpr int P = ATTENTION_P;
static_assert(P == 32 || P == 64 || P == 128, "ATTENTION_P");
constexpr int QUERY_WARPGROUPS = ATTENTION_QUERY_WARPGROUPS;
constexpr int DQ_WARPGROUPS = ATTENTION_DQ_WARPGROUPS;
constexpr int KEY_WARPGROUPS = ATTENTION_KEY_WARPGROUPS;
constexpr int ROWS = 64;                          // rows of every tile: what one warpgroup's wgmma takes
constexpr int PANEL = P < 64 ? P : 64;            // columns of one swizzled panel: at most 128 bytes
constexpr int PANELS = P / PANEL;
constexpr int PANEL_ROW_BYTES = 2 * PANEL;
constexpr int PANEL_BYTES = ROWS * PANEL_ROW_BYTES;
constexpr int TILE_BYTES = PANELS * PANEL_BYTES;
constexpr int CHUNKS = P / 8;                     // 16-byte chunks of a row
// A third stage lets the last product of a forward step run into the next step. Used where that was measured to gain
// (P = 64). At P = 32, and in the backward kernels at P = 32 and 64, ptxas 13.0 serializes a product left in flight over
// the loop's end (C7515); P = 128 forward compiles without that but was not timed.
constexpr int FORWARD_STAGES = ATTENTION_FORWARD_STAGES;
constexpr int BACKWARD_STAGES = 2;
constexpr int ALIGNMENT = 1024;                   // the 128-byte swizzle is a function of the address
[[maybe_unused]] constexpr int FORWARD_SHARED = ALIGNMENT + (QUERY_WARPGROUPS + 2 * FORWARD_STAGES) * TILE_BYTES;
[[maybe_unused]] constexpr int DQ_SHARED = ALIGNMENT + (2 * DQ_WARPGROUPS + 2 * BACKWARD_STAGES) * TILE_BYTES;
[[maybe_unused]] constexpr int KEY_SHARED = ALIGNMENT + (2 * KEY_WARPGROUPS + 2 * BACKWARD_STAGES) * TILE_BYTES + BACKWARD_STAGES * 2 * ROWS * 4;
constexpr float LOG2E = 1.4426950408889634f;
constexpr float LN2 = 0.6931471805599453f;

using Descriptor = unsigned long long;
using bf16 = unsigned short; // only ever moved, or handed to wgmma in pairs

__device__ __forceinline__ unsigned shared_address(const void* p) {
    return static_cast<unsigned>(__cvta_generic_to_shared(p));
}

/** Byte offset of a 16-byte chunk: the hardware's 128-byte (64-byte at P = 32) swizzle, so wgmma can read the tile. */
__device__ __forceinline__ unsigned chunk_offset(int row, int chunk) {
    constexpr int PER_PANEL = PANEL / 8;
    int panel = chunk / PER_PANEL;
    int within = chunk % PER_PANEL;
    int swizzle = PANEL == 64 ? (row & 7) : ((row >> 1) & 3);
    return panel * PANEL_BYTES + row * PANEL_ROW_BYTES + ((within ^ swizzle) << 4);
}

__device__ __forceinline__ void copy_chunk(unsigned to, const void* from, bool valid) {
    int bytes = valid ? 16 : 0;
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;\n" :: "r"(to), "l"(from), "r"(bytes) : "memory");
}

__device__ __forceinline__ void copy_float(unsigned to, const float* from, bool valid) {
    int bytes = valid ? 4 : 0;
    asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;\n" :: "r"(to), "l"(from), "r"(bytes) : "memory");
}

/** Rows past the limit become zero, so that they add nothing to any product. */
template <int THREADS>
__device__ __forceinline__ void load_tile(unsigned tile, const bf16* base, int first, int limit, int stride, int thread) {
#pragma unroll
    for (int i = 0; i < ROWS * CHUNKS / THREADS; i++) {
        int index = i * THREADS + thread;
        int row = index / CHUNKS;
        int chunk = index % CHUNKS;
        bool valid = first + row < limit;
        const bf16* from = base + static_cast<long long>(valid ? first + row : 0) * stride + chunk * 8;
        copy_chunk(tile + chunk_offset(row, chunk), from, valid);
    }
}

__device__ __forceinline__ void commit_copies() {
    asm volatile("cp.async.commit_group;\n" ::: "memory");
}

/** The copies were ordinary writes; wgmma reads through the async proxy, hence the fence before the barrier. */
__device__ __forceinline__ void wait_copies() {
    asm volatile("cp.async.wait_group 0;\n" ::: "memory");
#ifndef ATTENTION_WARP_MMA
    asm volatile("fence.proxy.async.shared::cta;\n" ::: "memory");
#endif
    __syncthreads();
}

__device__ __forceinline__ float exp2_approx(float x) {
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

__device__ __forceinline__ unsigned pack(float low, float high) {
    unsigned packed;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(packed) : "f"(high), "f"(low));
    return packed;
}

#ifdef ATTENTION_WARP_MMA

__device__ __forceinline__ void load_matrices(unsigned* r, unsigned address) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];\n"
        : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(address) : "memory");
}

/** Left operand of k step kk for this warp's 16 rows of a tile. */
__device__ __forceinline__ void load_left(unsigned* a, unsigned tile, int kk, int warp, int lane) {
    load_matrices(a, tile + chunk_offset(warp * 16 + (lane & 15), 2 * kk + (lane >> 4)));
}

__device__ __forceinline__ void load_matrices_transposed(unsigned* r, unsigned address) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];\n"
        : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(address) : "memory");
}

__device__ __forceinline__ void mma(float* d, const unsigned* a, unsigned b0, unsigned b1) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};\n"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

__device__ __forceinline__ void products_begin() {}
__device__ __forceinline__ void products_commit() {}
template <int PENDING> __device__ __forceinline__ void products_wait() {}
template <int N> __device__ __forceinline__ void settle(float (&)[N]) {}

__device__ __forceinline__ void multiply_rows(float (&d)[32], const unsigned* a, unsigned right, int kk, int lane) {
#pragma unroll
    for (int n = 0; n < 4; n++) {
        unsigned b[4];
        load_matrices(b, right + chunk_offset(n * 16 + (lane & 7) + ((lane >> 4) << 3), 2 * kk + ((lane >> 3) & 1)));
        mma(d + 8 * n, a, b[0], b[1]);
        mma(d + 8 * n + 4, a, b[2], b[3]);
    }
}

__device__ __forceinline__ void scores(float (&d)[32], unsigned left, unsigned right, int warp, int lane) {
#pragma unroll
    for (int i = 0; i < 32; i++) d[i] = 0.0f;
#pragma unroll
    for (int kk = 0; kk < P / 16; kk++) {
        unsigned a[4];
        load_left(a, left, kk, warp, lane);
        multiply_rows(d, a, right, kk, lane);
    }
}

__device__ __forceinline__ void accumulate(float (&d)[P / 2], const unsigned (&left)[4][4], unsigned right, int lane) {
#pragma unroll
    for (int kk = 0; kk < 4; kk++)
#pragma unroll
        for (int n = 0; n < P / 16; n++) {
            unsigned b[4];
            load_matrices_transposed(b, right + chunk_offset(kk * 16 + (lane & 15), 2 * n + (lane >> 4)));
            mma(d + 8 * n, left[kk], b[0], b[1]);
            mma(d + 8 * n + 4, left[kk], b[2], b[3]);
        }
}

#else

__device__ __forceinline__ void wgmma_n64_shared(float* d, Descriptor a, Descriptor b) {
    asm volatile("{.reg .pred p; setp.ne.b32 p, 1, 0;\n"
        "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 "
        "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31}, %32, %33, p, 1, 1, 0, 0;}\n"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]),
        "+f"(d[8]), "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), "+f"(d[12]), "+f"(d[13]), "+f"(d[14]), "+f"(d[15]),
        "+f"(d[16]), "+f"(d[17]), "+f"(d[18]), "+f"(d[19]), "+f"(d[20]), "+f"(d[21]), "+f"(d[22]), "+f"(d[23]),
        "+f"(d[24]), "+f"(d[25]), "+f"(d[26]), "+f"(d[27]), "+f"(d[28]), "+f"(d[29]), "+f"(d[30]), "+f"(d[31])
        : "l"(a), "l"(b));
}
__device__ __forceinline__ void wgmma_n64_shared_first(float* d, Descriptor a, Descriptor b) {
    asm volatile("{.reg .pred p; setp.ne.b32 p, 0, 0;\n"
        "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 "
        "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31}, %32, %33, p, 1, 1, 0, 0;}\n"
        : "=f"(d[0]), "=f"(d[1]), "=f"(d[2]), "=f"(d[3]), "=f"(d[4]), "=f"(d[5]), "=f"(d[6]), "=f"(d[7]),
        "=f"(d[8]), "=f"(d[9]), "=f"(d[10]), "=f"(d[11]), "=f"(d[12]), "=f"(d[13]), "=f"(d[14]), "=f"(d[15]),
        "=f"(d[16]), "=f"(d[17]), "=f"(d[18]), "=f"(d[19]), "=f"(d[20]), "=f"(d[21]), "=f"(d[22]), "=f"(d[23]),
        "=f"(d[24]), "=f"(d[25]), "=f"(d[26]), "=f"(d[27]), "=f"(d[28]), "=f"(d[29]), "=f"(d[30]), "=f"(d[31])
        : "l"(a), "l"(b));
}
__device__ __forceinline__ void wgmma_n64_columns(float* d, const unsigned* a, Descriptor b) {
    asm volatile("{.reg .pred p; setp.ne.b32 p, 1, 0;\n"
        "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 "
        "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31},"
        "{%32,%33,%34,%35}, %36, p, 1, 1, 1;}\n"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]),
        "+f"(d[8]), "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), "+f"(d[12]), "+f"(d[13]), "+f"(d[14]), "+f"(d[15]),
        "+f"(d[16]), "+f"(d[17]), "+f"(d[18]), "+f"(d[19]), "+f"(d[20]), "+f"(d[21]), "+f"(d[22]), "+f"(d[23]),
        "+f"(d[24]), "+f"(d[25]), "+f"(d[26]), "+f"(d[27]), "+f"(d[28]), "+f"(d[29]), "+f"(d[30]), "+f"(d[31])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b));
}
__device__ __forceinline__ void wgmma_n32_columns(float* d, const unsigned* a, Descriptor b) {
    asm volatile("{.reg .pred p; setp.ne.b32 p, 1, 0;\n"
        "wgmma.mma_async.sync.aligned.m64n32k16.f32.bf16.bf16 "
        "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15},"
        "{%16,%17,%18,%19}, %20, p, 1, 1, 1;}\n"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]),
        "+f"(d[8]), "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), "+f"(d[12]), "+f"(d[13]), "+f"(d[14]), "+f"(d[15])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b));
}

__device__ __forceinline__ void products_begin() { asm volatile("wgmma.fence.sync.aligned;\n" ::: "memory"); }
__device__ __forceinline__ void products_commit() { asm volatile("wgmma.commit_group.sync.aligned;\n" ::: "memory"); }
template <int PENDING> __device__ __forceinline__ void products_wait() {
    asm volatile("wgmma.wait_group.sync.aligned %0;\n" :: "n"(PENDING) : "memory");
}

/** Keeps the compiler from moving reads of an accumulator above the wait that completes it. */
template <int N> __device__ __forceinline__ void settle(float (&d)[N]) {
#pragma unroll
    for (int i = 0; i < N; i++) asm volatile("" : "+f"(d[i]) :: "memory");
}

/** Both ways of reading a panel step by eight rows; a panel is one swizzle atom wide, so the leading offset is idle. */
__device__ __forceinline__ Descriptor descriptor(unsigned address) {
    constexpr Descriptor FIXED = (static_cast<Descriptor>(PANEL == 64 ? 1 : 2) << 62)
        | (static_cast<Descriptor>((8 * PANEL_ROW_BYTES) >> 4) << 32)
        | (static_cast<Descriptor>(PANEL_BYTES >> 4) << 16);
    return FIXED | ((address & 0x3FFFF) >> 4);
}

__device__ __forceinline__ unsigned step_columns(unsigned tile, int kk) {
    return tile + (kk * 16 / PANEL) * PANEL_BYTES + (kk * 16 % PANEL) * 2;
}

/** d = left right', both tiles in shared memory. */
__device__ __forceinline__ void scores(float (&d)[32], unsigned left, unsigned right, int, int) {
#pragma unroll
    for (int kk = 0; kk < P / 16; kk++) {
        Descriptor a = descriptor(step_columns(left, kk)), b = descriptor(step_columns(right, kk));
        if (kk == 0) wgmma_n64_shared_first(d, a, b);
        else wgmma_n64_shared(d, a, b);
    }
}

/** d += left right, left a 64 x 64 tile in registers. */
__device__ __forceinline__ void accumulate(float (&d)[P / 2], const unsigned (&left)[4][4], unsigned right, int) {
#pragma unroll
    for (int kk = 0; kk < 4; kk++)
#pragma unroll
        for (int panel = 0; panel < PANELS; panel++) {
            Descriptor b = descriptor(right + panel * PANEL_BYTES + kk * 16 * PANEL_ROW_BYTES);
            if (PANEL == 64) wgmma_n64_columns(d + 32 * panel, left[kk], b);
            else wgmma_n32_columns(d + 16 * panel, left[kk], b);
        }
}

#endif

/** An accumulator's layout is that of the next product's left operand, but for the width of the numbers. */
__device__ __forceinline__ void to_left(unsigned (&a)[4][4], const float (&d)[32]) {
#pragma unroll
    for (int kk = 0; kk < 4; kk++)
#pragma unroll
        for (int i = 0; i < 4; i++) a[kk][i] = pack(d[8 * kk + 2 * i], d[8 * kk + 2 * i + 1]);
}

/** This warp's 16 rows, through its own rows of a tile no longer needed, so that device memory sees whole chunks. */
__device__ __forceinline__ void store_rows(const float (&d)[P / 2], float upper, float lower, char* tile, int warp, int lane,
                                           bf16* base, int first, int limit, int stride) {
    int row = warp * 16 + lane / 4;
#pragma unroll
    for (int j = 0; j < CHUNKS; j++) {
        *reinterpret_cast<unsigned*>(tile + chunk_offset(row, j) + 4 * (lane & 3)) = pack(d[4 * j] * upper, d[4 * j + 1] * upper);
        *reinterpret_cast<unsigned*>(tile + chunk_offset(row + 8, j) + 4 * (lane & 3)) = pack(d[4 * j + 2] * lower, d[4 * j + 3] * lower);
    }
    __syncwarp();
#pragma unroll
    for (int i = 0; i < 16 * CHUNKS / 32; i++) {
        int index = i * 32 + lane;
        int r = warp * 16 + index / CHUNKS;
        int chunk = index % CHUNKS;
        if (first + r < limit)
            *reinterpret_cast<uint4*>(base + static_cast<long long>(first + r) * stride + chunk * 8)
                = *reinterpret_cast<const uint4*>(tile + chunk_offset(r, chunk));
    }
    __syncwarp();
}

__device__ __forceinline__ char* aligned(char* shared) {
    return shared + ((ALIGNMENT - (shared_address(shared) & (ALIGNMENT - 1))) & (ALIGNMENT - 1));
}

} // namespace attention

/** Grid (ceil(Tq / (64 QUERY_WARPGROUPS)), H, B), block 128 QUERY_WARPGROUPS, shared FORWARD_SHARED. */
extern "C" __global__ void __launch_bounds__(128 * attention::QUERY_WARPGROUPS, ATTENTION_FORWARD_BLOCKS)
attention_forward(const unsigned short* __restrict__ q, const unsigned short* __restrict__ k, const unsigned short* __restrict__ v,
                  unsigned short* __restrict__ out, float* __restrict__ lse, int Tq, int T, int H, int G, float scale) {
    using namespace attention;
    constexpr int THREADS = 128 * QUERY_WARPGROUPS;
    extern __shared__ char dynamic_shared[];
    char* shared = aligned(dynamic_shared);
    unsigned base = shared_address(shared);
    int thread = threadIdx.x, lane = thread & 31, warp = (thread >> 5) & 3;
    int warpgroup = __shfl_sync(0xffffffffu, thread >> 7, 0);
    int head = blockIdx.y, sample = blockIdx.z, group = head / (H / G);
    // The longest rows first: the last blocks to start are then the shortest.
    int first = (gridDim.x - 1 - blockIdx.x) * ROWS * QUERY_WARPGROUPS;
    int offset = T - Tq;
    int query_stride = H * P, key_stride = G * P;
    q += static_cast<long long>(sample) * Tq * query_stride + head * P;
    out += static_cast<long long>(sample) * Tq * query_stride + head * P;
    k += static_cast<long long>(sample) * T * key_stride + group * P;
    v += static_cast<long long>(sample) * T * key_stride + group * P;
    lse += (static_cast<long long>(sample) * H + head) * Tq;
    unsigned stages = base + QUERY_WARPGROUPS * TILE_BYTES;

    int tiles = (min(T, first + ROWS * QUERY_WARPGROUPS + offset) + ROWS - 1) / ROWS;
    for (int w = 0; w < QUERY_WARPGROUPS; w++)
        load_tile<THREADS>(base + w * TILE_BYTES, q, first + w * ROWS, Tq, query_stride, thread);
    load_tile<THREADS>(stages, k, 0, T, key_stride, thread);
    load_tile<THREADS>(stages + TILE_BYTES, v, 0, T, key_stride, thread);
    commit_copies();

    first += warpgroup * ROWS;
    int position = first + offset + warp * 16 + lane / 4;
    float scale2 = scale * LOG2E;
    // The queries stay in shared memory: held in registers over the loop as wgmma's left operand they were lost after the
    // first tile, ptxas 13.0 having given their registers to p as well (P = 64; seen in the machine code and the results).
    unsigned queries = base + warpgroup * TILE_BYTES;
    float o[P / 2];
#pragma unroll
    for (int i = 0; i < P / 2; i++) o[i] = 0.0f;
    float maximum[2] = {-__int_as_float(0x7f800000), -__int_as_float(0x7f800000)}, sum[2] = {0.0f, 0.0f};

    int stage = 0;
    for (int tile = 0; tile < tiles; tile++) {
        wait_copies();
        int next = stage + 1 == FORWARD_STAGES ? 0 : stage + 1;
        if (tile + 1 < tiles) {
            load_tile<THREADS>(stages + 2 * next * TILE_BYTES, k, (tile + 1) * ROWS, T, key_stride, thread);
            load_tile<THREADS>(stages + (2 * next + 1) * TILE_BYTES, v, (tile + 1) * ROWS, T, key_stride, thread);
        }
        commit_copies();
        unsigned keys = stages + 2 * stage * TILE_BYTES;
        int key = tile * ROWS;
        if (key <= first + ROWS - 1 + offset) {
            float s[32];
            unsigned p[4][4];
            products_begin();
            scores(s, queries, keys, warp, lane);
            products_commit();
            products_wait<0>();
            settle(s);
            settle(o);
            if (key + ROWS - 1 > first + offset) {
#pragma unroll
                for (int i = 0; i < 32; i++) {
                    int column = key + (i / 4) * 8 + 2 * (lane & 3) + (i & 1);
                    if (column > position + ((i & 2) ? 8 : 0)) s[i] = -__int_as_float(0x7f800000);
                }
            }
#pragma unroll
            for (int r = 0; r < 2; r++) {
                float m = maximum[r];
#pragma unroll
                for (int j = 0; j < 8; j++) m = fmaxf(m, fmaxf(s[4 * j + 2 * r], s[4 * j + 2 * r + 1]));
                m = fmaxf(m, __shfl_xor_sync(0xffffffffu, m, 1));
                m = fmaxf(m, __shfl_xor_sync(0xffffffffu, m, 2));
                // Finite from the first tile on: every query sees key 0.
                float shift = m * scale2;
                float rescale = exp2_approx(maximum[r] * scale2 - shift);
                maximum[r] = m;
                float total = 0.0f;
#pragma unroll
                for (int j = 0; j < 8; j++)
#pragma unroll
                    for (int e = 0; e < 2; e++) {
                        float& x = s[4 * j + 2 * r + e];
                        x = exp2_approx(fmaf(x, scale2, -shift));
                        total += x;
                    }
                sum[r] = sum[r] * rescale + total;
#pragma unroll
                for (int j = 0; j < P / 8; j++) {
                    o[4 * j + 2 * r] *= rescale;
                    o[4 * j + 2 * r + 1] *= rescale;
                }
            }
            to_left(p, s);
            settle(o);
            products_begin();
            accumulate(o, p, keys + TILE_BYTES, lane);
            products_commit();
            if (FORWARD_STAGES == 2) products_wait<0>();
        } else {
            products_wait<0>();
        }
        stage = next;
    }
    products_wait<0>();
    settle(o);
    __syncthreads();

    float inverse[2];
#pragma unroll
    for (int r = 0; r < 2; r++) {
        float total = sum[r];
        total += __shfl_xor_sync(0xffffffffu, total, 1);
        total += __shfl_xor_sync(0xffffffffu, total, 2);
        inverse[r] = 1.0f / total;
        int row = first + warp * 16 + lane / 4 + 8 * r;
        if ((lane & 3) == 0 && row < Tq) lse[row] = (maximum[r] * scale2 + log2f(total)) * LN2;
    }
    store_rows(o, inverse[0], inverse[1], shared + warpgroup * TILE_BYTES, warp, lane, out, first, Tq, query_stride);
}

/** delta = rowsum(dout * out). Grid ceil(B Tq H P / 8 / 256), block 256, no shared memory. */
extern "C" __global__ void __launch_bounds__(256)
attention_delta(const unsigned short* __restrict__ out, const unsigned short* __restrict__ dout, float* __restrict__ delta,
                int B, int Tq, int H) {
    using namespace attention;
    long long index = static_cast<long long>(blockIdx.x) * 256 + threadIdx.x;
    long long row = index / CHUNKS;
    bool valid = row < static_cast<long long>(B) * Tq * H;
    float sum = 0.0f;
    if (valid) {
        uint4 a = reinterpret_cast<const uint4*>(out)[index];
        uint4 b = reinterpret_cast<const uint4*>(dout)[index];
        const unsigned x[4] = {a.x, a.y, a.z, a.w};
        const unsigned y[4] = {b.x, b.y, b.z, b.w};
#pragma unroll
        for (int i = 0; i < 4; i++) {
            // two bfloat16 in a word: each is the upper half of a float32
            sum += __uint_as_float(x[i] << 16) * __uint_as_float(y[i] << 16)
                + __uint_as_float(x[i] & 0xffff0000u) * __uint_as_float(y[i] & 0xffff0000u);
        }
    }
#pragma unroll
    for (int step = CHUNKS / 2; step > 0; step /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, step);
    if (valid && index % CHUNKS == 0) {
        long long head = row % H, time = row / H % Tq, sample = row / H / Tq;
        delta[(sample * H + head) * Tq + time] = sum;
    }
}

/** dk, dv. Grid (ceil(T / (64 KEY_WARPGROUPS)), G, B), block 128 KEY_WARPGROUPS, shared KEY_SHARED. */
extern "C" __global__ void __launch_bounds__(128 * attention::KEY_WARPGROUPS, ATTENTION_KEY_BLOCKS)
attention_backward_kv(const unsigned short* __restrict__ q, const unsigned short* __restrict__ k, const unsigned short* __restrict__ v,
                      const unsigned short* __restrict__ dout, const float* __restrict__ lse, const float* __restrict__ delta,
                      unsigned short* __restrict__ dk, unsigned short* __restrict__ dv, int Tq, int T, int H, int G, float scale) {
    using namespace attention;
    constexpr int THREADS = 128 * KEY_WARPGROUPS;
    extern __shared__ char dynamic_shared[];
    char* shared = aligned(dynamic_shared);
    unsigned base = shared_address(shared);
    int thread = threadIdx.x, lane = thread & 31, warp = (thread >> 5) & 3;
    int warpgroup = __shfl_sync(0xffffffffu, thread >> 7, 0);
    int group = blockIdx.y, sample = blockIdx.z, heads = H / G;
    int first = blockIdx.x * ROWS * KEY_WARPGROUPS;
    int offset = T - Tq;
    int query_stride = H * P, key_stride = G * P;
    q += static_cast<long long>(sample) * Tq * query_stride + group * heads * P;
    dout += static_cast<long long>(sample) * Tq * query_stride + group * heads * P;
    long long keys_at = static_cast<long long>(sample) * T * key_stride + group * P;
    lse += (static_cast<long long>(sample) * H + group * heads) * Tq;
    delta += (static_cast<long long>(sample) * H + group * heads) * Tq;
    unsigned stages = base + 2 * KEY_WARPGROUPS * TILE_BYTES;
    unsigned statistics_at = (2 * KEY_WARPGROUPS + 2 * BACKWARD_STAGES) * TILE_BYTES;

    for (int w = 0; w < KEY_WARPGROUPS; w++) {
        load_tile<THREADS>(base + 2 * w * TILE_BYTES, k + keys_at, first + w * ROWS, T, key_stride, thread);
        load_tile<THREADS>(base + (2 * w + 1) * TILE_BYTES, v + keys_at, first + w * ROWS, T, key_stride, thread);
    }
    int first_tile = max(0, first - offset) / ROWS;
    int tiles = (Tq + ROWS - 1) / ROWS;
    auto load = [&](int stage, int head, int tile) {
        load_tile<THREADS>(stages + 2 * stage * TILE_BYTES, q + head * P, tile * ROWS, Tq, query_stride, thread);
        load_tile<THREADS>(stages + (2 * stage + 1) * TILE_BYTES, dout + head * P, tile * ROWS, Tq, query_stride, thread);
        // Past Tq both become zero: p is then 1, but q and dout there are zero and so is every term.
        if (thread < 2 * ROWS) {
            int row = tile * ROWS + (thread & (ROWS - 1));
            const float* from = (thread < ROWS ? lse : delta) + static_cast<long long>(head) * Tq;
            copy_float(base + statistics_at + (stage * 2 * ROWS + thread) * 4, from + (row < Tq ? row : 0), row < Tq);
        }
    };
    int load_head = 0, load_at = first_tile;
    load(0, load_head, load_at);
    commit_copies();

    first += warpgroup * ROWS;
    unsigned keys = base + 2 * warpgroup * TILE_BYTES;
    int key = first + warp * 16 + lane / 4;
    float scale2 = scale * LOG2E;
    float dk_sum[P / 2], dv_sum[P / 2];
#pragma unroll
    for (int i = 0; i < P / 2; i++) dk_sum[i] = dv_sum[i] = 0.0f;

    int stage = 0, tile = first_tile;
    for (int step = heads * (tiles - first_tile); step > 0; step--) {
        wait_copies();
        int next = stage + 1 == BACKWARD_STAGES ? 0 : stage + 1;
        if (step > 1) {
            if (++load_at == tiles) {
                load_at = first_tile;
                load_head++;
            }
            load(next, load_head, load_at);
        }
        commit_copies();
        unsigned queries = stages + 2 * stage * TILE_BYTES;
        const float* statistics = reinterpret_cast<const float*>(shared + statistics_at) + stage * 2 * ROWS + 2 * (lane & 3);
        int query = tile * ROWS;
        if (query + ROWS - 1 + offset >= first) {
            float s[32], dp[32];
            unsigned p[4][4], ds[4][4];
            products_begin();
            scores(s, keys, queries, warp, lane);
            products_commit();
            scores(dp, keys + TILE_BYTES, queries + TILE_BYTES, warp, lane);
            products_commit();
            products_wait<1>();
            settle(s);
            bool diagonal = query + offset < first + ROWS - 1;
#pragma unroll
            for (int j = 0; j < 8; j++) {
                float2 l = *reinterpret_cast<const float2*>(statistics + 8 * j);
                l.x *= LOG2E;
                l.y *= LOG2E;
#pragma unroll
                for (int e = 0; e < 4; e++) s[4 * j + e] = exp2_approx(fmaf(s[4 * j + e], scale2, (e & 1) ? -l.y : -l.x));
            }
            if (diagonal) {
#pragma unroll
                for (int i = 0; i < 32; i++) {
                    int column = query + offset + (i / 4) * 8 + 2 * (lane & 3) + (i & 1);
                    if (key + ((i & 2) ? 8 : 0) > column) s[i] = 0.0f;
                }
            }
            to_left(p, s);
            products_begin();
            accumulate(dv_sum, p, queries + TILE_BYTES, lane);
            products_commit();
            products_wait<1>();
            settle(dp);
#pragma unroll
            for (int j = 0; j < 8; j++) {
                float2 d = *reinterpret_cast<const float2*>(statistics + ROWS + 8 * j);
#pragma unroll
                for (int e = 0; e < 4; e++) dp[4 * j + e] = s[4 * j + e] * (dp[4 * j + e] - ((e & 1) ? d.y : d.x));
            }
            to_left(ds, dp);
            products_begin();
            accumulate(dk_sum, ds, queries, lane);
            products_commit();
            products_wait<0>();
            settle(dk_sum);
            settle(dv_sum);
        }
        stage = next;
        if (++tile == tiles) tile = first_tile;
    }
    __syncthreads();
    char* staging = shared + 2 * warpgroup * TILE_BYTES;
    store_rows(dk_sum, scale, scale, staging, warp, lane, dk + keys_at, first, T, key_stride);
    store_rows(dv_sum, 1.0f, 1.0f, staging, warp, lane, dv + keys_at, first, T, key_stride);
}

/** dq. Grid (ceil(Tq / (64 DQ_WARPGROUPS)), H, B), block 128 DQ_WARPGROUPS, shared DQ_SHARED. */
extern "C" __global__ void __launch_bounds__(128 * attention::DQ_WARPGROUPS, ATTENTION_DQ_BLOCKS)
attention_backward_q(const unsigned short* __restrict__ q, const unsigned short* __restrict__ k, const unsigned short* __restrict__ v,
                     const unsigned short* __restrict__ dout, const float* __restrict__ lse, const float* __restrict__ delta,
                     unsigned short* __restrict__ dq, int Tq, int T, int H, int G, float scale) {
    using namespace attention;
    constexpr int THREADS = 128 * DQ_WARPGROUPS;
    extern __shared__ char dynamic_shared[];
    char* shared = aligned(dynamic_shared);
    unsigned base = shared_address(shared);
    int thread = threadIdx.x, lane = thread & 31, warp = (thread >> 5) & 3;
    int warpgroup = __shfl_sync(0xffffffffu, thread >> 7, 0);
    int head = blockIdx.y, sample = blockIdx.z, group = head / (H / G);
    int first = (gridDim.x - 1 - blockIdx.x) * ROWS * DQ_WARPGROUPS;
    int offset = T - Tq;
    int query_stride = H * P, key_stride = G * P;
    long long queries_at = static_cast<long long>(sample) * Tq * query_stride + head * P;
    k += static_cast<long long>(sample) * T * key_stride + group * P;
    v += static_cast<long long>(sample) * T * key_stride + group * P;
    long long rows_at = (static_cast<long long>(sample) * H + head) * Tq;
    unsigned stages = base + 2 * DQ_WARPGROUPS * TILE_BYTES;

    int tiles = (min(T, first + ROWS * DQ_WARPGROUPS + offset) + ROWS - 1) / ROWS;
    for (int w = 0; w < DQ_WARPGROUPS; w++) {
        load_tile<THREADS>(base + 2 * w * TILE_BYTES, q + queries_at, first + w * ROWS, Tq, query_stride, thread);
        load_tile<THREADS>(base + (2 * w + 1) * TILE_BYTES, dout + queries_at, first + w * ROWS, Tq, query_stride, thread);
    }
    load_tile<THREADS>(stages, k, 0, T, key_stride, thread);
    load_tile<THREADS>(stages + TILE_BYTES, v, 0, T, key_stride, thread);
    commit_copies();

    first += warpgroup * ROWS;
    unsigned queries = base + 2 * warpgroup * TILE_BYTES;
    int row = first + warp * 16 + lane / 4;
    float scale2 = scale * LOG2E;
    float shift[2], row_delta[2];
#pragma unroll
    for (int r = 0; r < 2; r++) {
        bool valid = row + 8 * r < Tq;
        shift[r] = valid ? lse[rows_at + row + 8 * r] * LOG2E : 0.0f;
        row_delta[r] = valid ? delta[rows_at + row + 8 * r] : 0.0f;
    }
    float dq_sum[P / 2];
#pragma unroll
    for (int i = 0; i < P / 2; i++) dq_sum[i] = 0.0f;

    int stage = 0;
    for (int tile = 0; tile < tiles; tile++) {
        wait_copies();
        int next = stage + 1 == BACKWARD_STAGES ? 0 : stage + 1;
        if (tile + 1 < tiles) {
            load_tile<THREADS>(stages + 2 * next * TILE_BYTES, k, (tile + 1) * ROWS, T, key_stride, thread);
            load_tile<THREADS>(stages + (2 * next + 1) * TILE_BYTES, v, (tile + 1) * ROWS, T, key_stride, thread);
        }
        commit_copies();
        unsigned keys = stages + 2 * stage * TILE_BYTES;
        int key = tile * ROWS;
        if (key <= first + ROWS - 1 + offset) {
            float s[32], dp[32];
            unsigned ds[4][4];
            products_begin();
            scores(s, queries, keys, warp, lane);
            products_commit();
            scores(dp, queries + TILE_BYTES, keys + TILE_BYTES, warp, lane);
            products_commit();
            products_wait<1>();
            settle(s);
#pragma unroll
            for (int i = 0; i < 32; i++) s[i] = exp2_approx(fmaf(s[i], scale2, (i & 2) ? -shift[1] : -shift[0]));
            if (key + ROWS - 1 > first + offset) {
#pragma unroll
                for (int i = 0; i < 32; i++) {
                    int column = key + (i / 4) * 8 + 2 * (lane & 3) + (i & 1);
                    if (column > row + offset + ((i & 2) ? 8 : 0)) s[i] = 0.0f;
                }
            }
            products_wait<0>();
            settle(dp);
#pragma unroll
            for (int i = 0; i < 32; i++) dp[i] = s[i] * (dp[i] - ((i & 2) ? row_delta[1] : row_delta[0]));
            to_left(ds, dp);
            products_begin();
            accumulate(dq_sum, ds, keys, lane);
            products_commit();
            products_wait<0>();
            settle(dq_sum);
        }
        stage = next;
    }
    __syncthreads();
    store_rows(dq_sum, scale, scale, shared + 2 * warpgroup * TILE_BYTES, warp, lane, dq + queries_at, first, Tq, query_stride);
}

/** What a launch needs: warpgroups (64 rows each) and dynamic shared memory of forward, of dk and dv, of dq. */
extern "C" __device__ int attentionSizes[6] = {
    attention::QUERY_WARPGROUPS, attention::FORWARD_SHARED, attention::KEY_WARPGROUPS,
    attention::KEY_SHARED,       attention::DQ_WARPGROUPS,  attention::DQ_SHARED};
