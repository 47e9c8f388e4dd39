/*
 * Stage 1 of MOHAWK (arXiv 2408.10189, section 4.1, matrix orientation): the distance between two
 * sequence-mixing matrices, without either of them in memory.
 *
 *   M [t,s] = softmax_s(scale * q_t . k_s),                         s <= t   (teacher)
 *   M'[t,s] = exp(a_{s+1} + ... + a_t) * (c_t . b_s) + [s = t] D_h,  s <= t   (student)
 *   loss    = mean over (b,h) of ||M - M'||_F
 *
 * Shapes: q, k [B,T,H,P] bf16; c, b [B,T,G,N] bf16, G divides H, group g serves heads g*H/G and on;
 * logDecay a [B,T,H] fp32, a <= 0; skip D [H] fp32. scale > 0. P and N in {16,32,64,128}.
 *
 * Workspace: T is rounded up to Tp, a multiple of FROB_BM; per-head vectors are [B*H, Tp] fp32.
 *
 * Algorithm. Time is cut in granules of 64 steps.
 *   frob_decay   prefix sums of a within each granule, in log2 units, and each granule's total. The
 *                running sum over the whole sequence reaches -1500 and more, where a difference of two
 *                fp32 numbers has lost its digits; here every difference is of numbers within one
 *                granule. Across granules i > j:
 *                  L[t,s] = rowFac_t * exp2(gap) * colFac_s,
 *                  rowFac_t = 2^(prefix_t), gap = sum of the totals strictly between, colFac_s = 2^(total_j - prefix_s),
 *                a product of three numbers <= 1, which underflows only where L itself does, and which
 *                costs no exponential per element.
 *   frob_lse     log-sum-exp of the teacher's rows, online softmax. Where the student has decayed to
 *                nothing (L <= 2^FROB_DEAD, "dead" tiles) it also sums p^2, so that no later kernel
 *                visits those tiles: there (M - M')^2 = M^2.
 *   frob_rows    blocks over rows, the live tiles only: E = M' - M on chip, sum of E^2, and, since the
 *                scale of the gradient is one number per (b,h), already the unscaled gradients that need
 *                rows: dc_t = sum_s E L b_s, rowSum_t = sum_{s<t} E M', diag = sum_t E[t,t].
 *   frob_rows_loss  the same without gradients.
 *   frob_norm    sums the partials in a fixed order; norm per (b,h) and the loss.
 *   frob_cols    blocks over columns, both matrices recomputed transposed: db_s = sum_t E L c_t,
 *                colSum_s = sum_{t>s} E M'. No atomics, so equal bits from run to run.
 *   frob_cols_direct  the same where G = H, after frob_norm: db final, in bf16, with no partials.
 *   frob_grad_bc_*  sums heads of a group in order, times g/(B*H*norm); zero where the norm is zero.
 *   frob_grad_decay dLogDecay_r = sum_{t>=r} (rowSum_t - colSum_t), in fp64 because the terms nearly
 *                cancel; the diagonal, which would cancel exactly, is left out of both. dD too.
 *
 * FLOPs, with n = B*H*T*(T+1)/2 pairs: frob_lse 2nP, frob_rows 2n(P+2N), frob_cols 2n(P+2N): for
 * P = N = 64, 7 products of 128 n (the forward kernel already yields the gradients of rows; a backward
 * that recomputed for them would make it 9). B1 T2048 H32: n = 67.1e6, 60.2 GFLOP, floor 0.076 ms at
 * 790 TFLOP/s; the 3 exponentials a pair take 0.055 ms at 16 per clock and SM, beside the products at best.
 * Device memory, at least: q, k, c, b read once, 2*B*T*(H*P+G*N)*2 bytes; dc (and db, where G < H) in fp32
 * per head, written once and read once, 8*B*T*H*N bytes each; gradients 2*B*T*G*N*2. B1 T2048 H32 G32
 * P = N = 64: 34 + 34 + 17 MB, 0.02 ms at 4.8 TB/s. Tiles are read again from L2, once per tile of the other axis.
 *
 * Products: P = N = 64 by wgmma m64n64k16 (one warpgroup per 64 rows, operands in shared memory, E L as A
 * operand from registers), otherwise by mma.sync m16n8k16, each warp holding FROB_MT blocks of 16 rows so
 * that a B fragment read once serves FROB_MT products. bf16 in, fp32 accumulation. Tiles by cp.async, two
 * stages.
 *
 * Dynamic shared memory: FROB_LSE_SMEM for frob_lse, FROB_ROWS_SMEM for frob_rows* and frob_cols*.
 * Order: frob_decay, frob_lse, frob_rows, frob_norm | frob_cols, frob_grad_bc_*, frob_grad_decay.
 * a must be finite and <= 0 (the dead test relies on decay growing with distance), scale > 0.
 */

#include "common.cuh"

#ifndef FROB_P
#define FROB_P 64
#endif
#ifndef FROB_N
#define FROB_N 64
#endif
/* wgmma for P = N = 64, whose rows are the 128 bytes of its swizzle; mma.sync for the rest. */
#ifndef FROB_WGMMA
#define FROB_WGMMA (FROB_P == 64 && FROB_N == 64)
#endif
/* Granules of a block's tile. mma.sync: blocks of 16 rows per warp; wgmma: warpgroups per block, where 1
 * measured faster for T = 2048 and 2 for T = 16384. */
#ifndef FROB_MT
#define FROB_MT ((FROB_P <= 64 && FROB_N <= 64 && !FROB_WGMMA) ? 2 : 1)
#endif
/* Columns that a warp carries from product to product at once: fewer cost fewer registers. */
#ifndef FROB_CW
#define FROB_CW (FROB_MT == 2 ? 16 : 32)
#endif
#ifndef FROB_MIN_BLOCKS
#define FROB_MIN_BLOCKS ((FROB_P > 64 || FROB_N > 64) ? 2 : (FROB_MT == 2 ? 2 : 3))
#endif
/* log2 of the decay below which the student's part of a tile is taken as zero. */
#ifndef FROB_DEAD
#define FROB_DEAD (-58.0f)
#endif
#define FROB_BM (64 * FROB_MT)
#define FROB_THREADS 128
/* Threads of every kernel over tiles: frob_lse, frob_rows, frob_rows_loss, frob_cols, frob_cols_direct. */
#define FROB_TILE_THREADS (FROB_WGMMA ? 64 * FROB_MT * 2 : 128)
#ifndef FROB_TILE_BLOCKS
#define FROB_TILE_BLOCKS FROB_MIN_BLOCKS
#endif
#ifndef FROB_LSE_BLOCKS
#define FROB_LSE_BLOCKS (FROB_WGMMA ? (FROB_MT == 1 ? 6 : 3) : FROB_MIN_BLOCKS)
#endif
#define FROB_ROWS_SMEM ((FROB_BM + 128) * (FROB_P + FROB_N) * 2 + 2 * 3 * 64 * 4)
#define FROB_LSE_SMEM ((FROB_BM + 128) * FROB_P * 2)

namespace frob {

typedef unsigned short bf16;
typedef unsigned int u32;

constexpr int P = FROB_P, N = FROB_N, MT = FROB_MT, BM = FROB_BM;
constexpr int GRAN = 64;
constexpr float LOG2E = 1.4426950408889634f;

__device__ __forceinline__ float infinity() { return __int_as_float(0x7f800000); }

__device__ __forceinline__ float exp2Approx(float x) {
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

__device__ __forceinline__ u32 pack(float low, float high) {
    u32 r;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(high), "f"(low));
    return r;
}

__device__ __forceinline__ u32 sharedAddress(const void* p) {
    return (u32)__cvta_generic_to_shared(p);
}

/* bytes = 0 fills with zeros: how rows past T come in. */
__device__ __forceinline__ void copy16(u32 dst, const void* src, int bytes) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(dst), "l"(src), "r"(bytes) : "memory");
}

__device__ __forceinline__ void copyCommit() { asm volatile("cp.async.commit_group;" ::: "memory"); }

__device__ __forceinline__ void copyWait() { asm volatile("cp.async.wait_group 0;" ::: "memory"); }

__device__ __forceinline__ void ldmatrix(u32 (&r)[4], u32 address) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(address) : "memory");
}

__device__ __forceinline__ void ldmatrixTrans(u32 (&r)[4], u32 address) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(address) : "memory");
}

__device__ __forceinline__ void mma(float (&d)[4], const u32 (&a)[4], u32 b0, u32 b1) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

/* 16-byte chunks are permuted so that the eight rows that one ldmatrix phase reads at the same chunk
 * fall in eight different bank groups, whatever the row length. */
template <int DIM>
__device__ __forceinline__ u32 swizzled(int row, int chunk) {
    constexpr int CHUNKS = DIM / 8;
    constexpr int SPAN = CHUNKS < 8 ? CHUNKS : 8;
    return (u32)((row * CHUNKS + (chunk ^ ((row / (8 / SPAN)) & (SPAN - 1)))) * 16);
}

/* rows x DIM from row t0 of a [T, stride] matrix. */
template <int DIM, int ROWS, int THREADS = FROB_THREADS>
__device__ __forceinline__ void loadTile(u32 dst, const bf16* src, long long stride, int t0, int T) {
    constexpr int CHUNKS = DIM / 8;
    constexpr int TOTAL = ROWS * CHUNKS;
#pragma unroll
    for (int base = 0; base < TOTAL; base += THREADS) {
        const int i = base + (int)threadIdx.x;
        if (TOTAL % THREADS == 0 || i < TOTAL) {
            const int row = i / CHUNKS, chunk = i % CHUNKS;
            const bool inside = t0 + row < T;
            const long long t = inside ? t0 + row : 0;
            copy16(dst + swizzled<DIM>(row, chunk), src + t * stride + chunk * 8, inside ? 16 : 0);
        }
    }
}

/* A operands of the warp's MT blocks of 16 rows; block m lies in granule m of the tile, so that a
 * block never straddles granules. */
template <int DIM>
__device__ __forceinline__ void loadFixed(u32 (&frag)[MT][DIM / 16][4], u32 tile) {
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
#pragma unroll
    for (int m = 0; m < MT; m++)
#pragma unroll
        for (int k = 0; k < DIM / 16; k++)
            ldmatrix(frag[m][k], tile + swizzled<DIM>(m * GRAN + warp * 16 + (lane & 15), k * 2 + (lane >> 4)));
}

/* acc[m][n] += fixed rows . streamed rows, for the streamed rows column0 .. column0 + 8*NT. */
template <int DIM, int NT>
__device__ __forceinline__ void multiplyNT(float (&acc)[MT][NT][4], const u32 (&fixed)[MT][DIM / 16][4], u32 tile, int column0) {
    const int lane = threadIdx.x & 31;
    const int row = column0 + (lane & 7) + ((lane >> 4) << 3), half = (lane >> 3) & 1;
#pragma unroll
    for (int k = 0; k < DIM / 16; k++)
#pragma unroll
        for (int n = 0; n < NT; n += 2) {
            u32 r[4];
            ldmatrix(r, tile + swizzled<DIM>(row + n * 8, k * 2 + half));
#pragma unroll
            for (int m = 0; m < MT; m++) {
                mma(acc[m][n], fixed[m][k], r[0], r[1]);
                mma(acc[m][n + 1], fixed[m][k], r[2], r[3]);
            }
        }
}

__device__ __forceinline__ float quadSum(float x) {
    x += __shfl_xor_sync(0xffffffffu, x, 1);
    return x + __shfl_xor_sync(0xffffffffu, x, 2);
}

/* The whole block calls it; thread 0 gets the sum. */
__device__ __forceinline__ float blockSum(float x, float* scratch) {
#pragma unroll
    for (int d = 16; d > 0; d >>= 1) x += __shfl_xor_sync(0xffffffffu, x, d);
    __syncthreads();
    if ((threadIdx.x & 31) == 0) scratch[threadIdx.x >> 5] = x;
    __syncthreads();
    float sum = (scratch[0] + scratch[1]) + (scratch[2] + scratch[3]);
    for (int w = 4; w < (int)(blockDim.x >> 5); w++) sum += scratch[w];
    return sum;
}

__device__ __forceinline__ float gradScale(const float* norm, const float* upstream, int bh, int BH) {
    const float n = norm[bh];
    return n == 0.0f ? 0.0f : *upstream / ((float)BH * n);
}

/* Two neighbours of a gradient: fp32 and unscaled, or final where no heads remain to be summed. */
template <bool DIRECT>
__device__ __forceinline__ void store(float* part, bf16* out, long long at, float x, float y, float last) {
    if (DIRECT) *(u32*)(out + at) = pack(x * last, y * last);
    else *(float2*)(part + at) = make_float2(x, y);
}

/* The row tile's first row decays least towards a granule on its left: it decides for the tile.
 * frob_lse and frob_rows must agree to the bit, since one counts what the other leaves out. A NaN is
 * alive, so that it reaches the loss. */
__device__ __forceinline__ bool alive(float gap, float firstPrefix) { return !(gap + firstPrefix < FROB_DEAD); }

/*
 * ROW: the block owns rows t (fixed operands q, c), streams k, b leftwards from the diagonal.
 * Otherwise: the block owns columns s (fixed operands k, b), streams q, c downwards from the diagonal.
 */
template <bool ROW, bool GRAD, bool DIRECT>
__device__ __forceinline__ void tiles(
    const bf16* fixedX, const bf16* fixedY, const bf16* streamX, const bf16* streamY,
    const float* lse, const float* prefix, const float* rowFac, const float* colFac, const float* total,
    const float* skip, float scale, float* gradPart, float* sums, float* squarePart, float* diagPart,
    const float* norm, const float* upstream, bf16* gradOut, int T, int H, int G, int Tp, unsigned char* smem) {
    constexpr int CW = FROB_CW, NT = CW / 8;
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    const int quadRow = lane >> 2, quadCol = (lane & 3) * 2;
    const int bh = blockIdx.x, batch = bh / H, head = bh % H, group = head / (H / G);
    /* The longest tiles first: short ones then fill the tail of the launch. */
    const int tile = ROW ? (int)(gridDim.y - 1 - blockIdx.y) : (int)blockIdx.y;
    const int g0 = tile * MT, granules = (T + GRAN - 1) / GRAN;
    const float k2 = scale * LOG2E;

    const long long strideX = (long long)H * P, strideY = (long long)G * N;
    const long long offsetX = (long long)batch * T * strideX + (long long)head * P;
    const long long offsetY = (long long)batch * T * strideY + (long long)group * N;
    fixedX += offsetX; streamX += offsetX; fixedY += offsetY; streamY += offsetY;
    lse += (long long)bh * Tp; prefix += (long long)bh * Tp;
    rowFac += (long long)bh * Tp; colFac += (long long)bh * Tp;
    total += (long long)bh * (Tp / GRAN);
    const float* streamFac = ROW ? colFac : rowFac;
    const float* fixedFac = ROW ? rowFac : colFac;

    const u32 base = sharedAddress(smem);
    const u32 fixedXs = base, fixedYs = fixedXs + BM * P * 2;
    const u32 stages = fixedYs + BM * N * 2;
    constexpr u32 STAGE = GRAN * (P + N) * 2;
    const u32 vectors = stages + 2 * STAGE;
    const float* vectorsF = (const float*)(smem + (BM + 128) * (P + N) * 2);

    auto prefetch = [&](int j, int stage) {
        const u32 at = stages + stage * STAGE;
        loadTile<P, GRAN>(at, streamX, strideX, j * GRAN, T);
        loadTile<N, GRAN>(at + GRAN * P * 2, streamY, strideY, j * GRAN, T);
        const int i = threadIdx.x;
        if (i < (ROW ? 32 : 48)) {
            const float* v = i < 16 ? streamFac : i < 32 ? prefix : lse;
            copy16(vectors + stage * 768 + i * 16, v + j * GRAN + (i & 15) * 4, 16);
        }
        copyCommit();
    };

    int j = ROW ? min(g0 + MT - 1, granules - 1) : g0;
    if (!ROW && j >= granules) return;
    loadTile<P, BM>(fixedXs, fixedX, strideX, tile * BM, T);
    loadTile<N, BM>(fixedYs, fixedY, strideY, tile * BM, T);
    prefetch(j, 0);

    float fac[MT][2], pre[MT][2], lseRow[MT][2], sum[MT][2], gap[MT];
#pragma unroll
    for (int m = 0; m < MT; m++) {
        gap[m] = 0.0f;
#pragma unroll
        for (int r = 0; r < 2; r++) {
            const int t = tile * BM + m * GRAN + warp * 16 + quadRow + r * 8;
            fac[m][r] = fixedFac[t];
            pre[m][r] = prefix[t];
            lseRow[m][r] = ROW ? lse[t] : 0.0f;
            sum[m][r] = 0.0f;
        }
    }
    const float firstPrefix = ROW ? prefix[tile * BM] : 0.0f;
    const float d = skip[head];
    float square = 0.0f, diagonal = 0.0f;
    float grad[MT][N / 8][4];
#pragma unroll
    for (int m = 0; m < MT; m++)
#pragma unroll
        for (int n = 0; n < N / 8; n++)
#pragma unroll
            for (int e = 0; e < 4; e++) grad[m][n][e] = 0.0f;

    u32 fragX[MT][P / 16][4], fragY[MT][N / 16][4];
    bool first = true;
    int stage = 0;
    while (true) {
        copyWait();
        __syncthreads();
        if (first) {
            loadFixed<P>(fragX, fixedXs);
            loadFixed<N>(fragY, fixedYs);
            first = false;
        }
        const float here = total[j];
        const int next = ROW ? j - 1 : j + 1;
        float gapNext[MT];
#pragma unroll
        for (int m = 0; m < MT; m++) {
            const bool off = ROW ? j < g0 + m : j > g0 + m;
            gapNext[m] = off ? gap[m] + here : gap[m];
        }
        bool more;
        if (ROW) more = next >= 0 && (next >= g0 || alive(gapNext[0], firstPrefix));
        else more = next < granules && (next < g0 + MT || alive(gapNext[MT - 1], prefix[next * GRAN]));
        if (more) prefetch(next, stage ^ 1);

        const u32 streamXs = stages + stage * STAGE, streamYs = streamXs + GRAN * P * 2;
        const float* vec = vectorsF + stage * 192;
        float rowScale[MT][2];
#pragma unroll
        for (int m = 0; m < MT; m++) {
            const float across = exp2Approx(gap[m]);
            rowScale[m][0] = fac[m][0] * across;
            rowScale[m][1] = fac[m][1] * across;
        }

#pragma unroll 1
        for (int column0 = 0; column0 < GRAN; column0 += CW) {
            float x[MT][NT][4], y[MT][NT][4];
#pragma unroll
            for (int m = 0; m < MT; m++)
#pragma unroll
                for (int n = 0; n < NT; n++)
#pragma unroll
                    for (int e = 0; e < 4; e++) x[m][n][e] = y[m][n][e] = 0.0f;
            multiplyNT<P, NT>(x, fragX, streamXs, column0);
            multiplyNT<N, NT>(y, fragY, streamYs, column0);

            u32 a[MT][NT / 2][4];
#pragma unroll
            for (int m = 0; m < MT; m++) {
                const bool inner = ROW ? j < g0 + m : j > g0 + m;
#pragma unroll
                for (int n = 0; n < NT; n++) {
                    const int col = column0 + n * 8 + quadCol;
                    const float2 v = *(const float2*)(vec + col);
                    float l0 = 0.0f, l1 = 0.0f;
                    if (!ROW) {
                        const float2 l = *(const float2*)(vec + 128 + col);
                        l0 = l.x;
                        l1 = l.y;
                    }
                    float w[4];
                    if (inner) {
#pragma unroll
                        for (int e = 0; e < 4; e++) {
                            const float p = exp2Approx(fmaf(x[m][n][e], k2, -(ROW ? lseRow[m][e >> 1] : (e & 1) ? l1 : l0)));
                            const float decay = rowScale[m][e >> 1] * ((e & 1) ? v.y : v.x);
                            const float student = y[m][n][e] * decay;
                            const float error = student - p;
                            if (ROW) square = fmaf(error, error, square);
                            sum[m][e >> 1] = fmaf(error, student, sum[m][e >> 1]);
                            w[e] = error * decay;
                        }
                    } else {
                        const float2 q = *(const float2*)(vec + 64 + col);
#pragma unroll
                        for (int e = 0; e < 4; e++) {
                            const int fixed = tile * BM + m * GRAN + warp * 16 + quadRow + (e >> 1) * 8;
                            const int streamed = j * GRAN + col + (e & 1);
                            const int t = ROW ? fixed : streamed, s = ROW ? streamed : fixed;
                            const bool valid = s <= t && t < T;
                            const float preStream = (e & 1) ? q.y : q.x;
                            const float difference = ROW ? pre[m][e >> 1] - preStream : preStream - pre[m][e >> 1];
                            const float decay = valid ? exp2Approx(difference) : 0.0f;
                            const float p = exp2Approx(fmaf(x[m][n][e], k2, -(ROW ? lseRow[m][e >> 1] : (e & 1) ? l1 : l0)));
                            const float student = y[m][n][e] * decay;
                            float error = valid ? student - p : 0.0f;
                            if (valid && s == t) {
                                error += d;
                                diagonal += error;
                            } else {
                                sum[m][e >> 1] = fmaf(error, student, sum[m][e >> 1]);
                            }
                            if (ROW) square = fmaf(error, error, square);
                            w[e] = error * decay;
                        }
                    }
                    a[m][n / 2][(n & 1) * 2] = pack(w[0], w[1]);
                    a[m][n / 2][(n & 1) * 2 + 1] = pack(w[2], w[3]);
                }
            }
            if (GRAD) {
#pragma unroll
                for (int k = 0; k < NT / 2; k++)
#pragma unroll
                    for (int n = 0; n < N / 16; n++) {
                        u32 r[4];
                        ldmatrixTrans(r, streamYs + swizzled<N>(column0 + k * 16 + (lane & 15), n * 2 + (lane >> 4)));
#pragma unroll
                        for (int m = 0; m < MT; m++) {
                            mma(grad[m][n * 2], a[m][k], r[0], r[1]);
                            mma(grad[m][n * 2 + 1], a[m][k], r[2], r[3]);
                        }
                    }
            }
        }
        if (!more) break;
#pragma unroll
        for (int m = 0; m < MT; m++) gap[m] = gapNext[m];
        j = next;
        stage ^= 1;
    }

    if (GRAD) {
        const float last = DIRECT ? gradScale(norm, upstream, bh, gridDim.x) : 1.0f;
#pragma unroll
        for (int m = 0; m < MT; m++)
#pragma unroll
            for (int r = 0; r < 2; r++) {
                const int t = tile * BM + m * GRAN + warp * 16 + quadRow + r * 8;
                const float s = quadSum(sum[m][r]);
                if (t < T) {
                    if ((lane & 3) == 0) sums[(long long)bh * Tp + t] = s;
                    const long long at = (((long long)batch * T + t) * H + head) * N + quadCol;
#pragma unroll
                    for (int n = 0; n < N / 8; n++)
                        store<DIRECT>(gradPart, gradOut, at + n * 8, grad[m][n][r * 2], grad[m][n][r * 2 + 1], last);
                }
            }
    }
    if (ROW) {
        /* The stages are free: every warp is past its last read once blockSum's first barrier is. */
        float* scratch = (float*)smem;
        const float squares = blockSum(square, scratch);
        const float diagonals = blockSum(diagonal, scratch + 8);
        if (threadIdx.x == 0) {
            squarePart[bh * gridDim.y + tile] = squares;
            if (GRAD) diagPart[bh * gridDim.y + tile] = diagonals;
        }
    }
}

#if FROB_WGMMA
/* Shared-memory operand, rows of 128 bytes, 128-byte swizzle, groups of eight rows 1024 bytes apart;
 * read as K-major it is [m or n][k], as MN-major [k][n]. The tile starts at a multiple of 1024. */
__device__ __forceinline__ unsigned long long operand(u32 address) {
    return (unsigned long long)((address & 0x3ffff) >> 4) | (1ull << 16) | (64ull << 32) | (1ull << 62);
}

__device__ __forceinline__ void wgmmaFence() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }

__device__ __forceinline__ void wgmmaCommit() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }

/* Until at most PENDING of the newest groups are under way. */
template <int PENDING>
__device__ __forceinline__ void wgmmaWait() { asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(PENDING) : "memory"); }

#define FROB_ACC32 "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31}"
#define FROB_OUT4(i) "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3])
#define FROB_OUT32 FROB_OUT4(0), FROB_OUT4(4), FROB_OUT4(8), FROB_OUT4(12), FROB_OUT4(16), FROB_OUT4(20), FROB_OUT4(24), FROB_OUT4(28)

/* d (+)= A B^T, A and B both [64][16 of k]. */
__device__ __forceinline__ void wgmmaNT(float (&d)[32], unsigned long long a, unsigned long long b, int accumulate) {
    asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, %34, 0;\n"
                 "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 " FROB_ACC32 ", %32, %33, p, 1, 1, 0, 0;\n}"
                 : FROB_OUT32 : "l"(a), "l"(b), "r"(accumulate));
}

/* d += A B, A in registers, B [16 of k][64]. */
__device__ __forceinline__ void wgmmaNN(float (&d)[32], const u32 (&a)[4], unsigned long long b) {
    asm volatile("wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 " FROB_ACC32 ", {%32,%33,%34,%35}, %36, 1, 1, 1, 1;\n"
                 : FROB_OUT32 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b));
}

/* As tiles below, by wgmma: one warpgroup per granule of the block's tile. */
template <bool ROW, bool GRAD, bool DIRECT>
__device__ __forceinline__ void tilesWg(
    const bf16* fixedX, const bf16* fixedY, const bf16* streamX, const bf16* streamY,
    const float* lse, const float* prefix, const float* rowFac, const float* colFac, const float* total,
    const float* skip, float scale, float* gradPart, float* sums, float* squarePart, float* diagPart,
    const float* norm, const float* upstream, bf16* gradOut, int T, int H, int G, int Tp, unsigned char* smem) {
    constexpr int THREADS = FROB_TILE_THREADS;
    const int lane = threadIdx.x & 31, warp = (threadIdx.x >> 5) & 3, wg = threadIdx.x >> 7;
    const int quadRow = lane >> 2, quadCol = (lane & 3) * 2;
    const int bh = blockIdx.x, batch = bh / H, head = bh % H, group = head / (H / G);
    const int tile = ROW ? (int)(gridDim.y - 1 - blockIdx.y) : (int)blockIdx.y;
    const int g0 = tile * MT, own = g0 + wg, granules = (T + GRAN - 1) / GRAN;
    const float k2 = scale * LOG2E;

    const long long strideX = (long long)H * P, strideY = (long long)G * N;
    const long long offsetX = (long long)batch * T * strideX + (long long)head * P;
    const long long offsetY = (long long)batch * T * strideY + (long long)group * N;
    fixedX += offsetX; streamX += offsetX; fixedY += offsetY; streamY += offsetY;
    lse += (long long)bh * Tp; prefix += (long long)bh * Tp;
    rowFac += (long long)bh * Tp; colFac += (long long)bh * Tp;
    total += (long long)bh * (Tp / GRAN);
    const float* streamFac = ROW ? colFac : rowFac;
    const float* fixedFac = ROW ? rowFac : colFac;

    const u32 base = sharedAddress(smem);
    const u32 fixedXs = base, fixedYs = fixedXs + BM * P * 2;
    const u32 stages = fixedYs + BM * N * 2;
    constexpr u32 STAGE = GRAN * (P + N) * 2;
    const u32 vectors = stages + 2 * STAGE;
    const float* vectorsF = (const float*)(smem + (BM + 128) * (P + N) * 2);

    auto prefetch = [&](int j, int stage) {
        const u32 at = stages + stage * STAGE;
        loadTile<P, GRAN, THREADS>(at, streamX, strideX, j * GRAN, T);
        loadTile<N, GRAN, THREADS>(at + GRAN * P * 2, streamY, strideY, j * GRAN, T);
        const int i = threadIdx.x;
        if (i < (ROW ? 32 : 48)) {
            const float* v = i < 16 ? streamFac : i < 32 ? prefix : lse;
            copy16(vectors + stage * 768 + i * 16, v + j * GRAN + (i & 15) * 4, 16);
        }
        copyCommit();
    };

    int j = ROW ? min(g0 + MT - 1, granules - 1) : g0;
    loadTile<P, BM, THREADS>(fixedXs, fixedX, strideX, tile * BM, T);
    loadTile<N, BM, THREADS>(fixedYs, fixedY, strideY, tile * BM, T);
    prefetch(j, 0);

    float fac[2], pre[2], lseRow[2], sum[2];
    const int row0 = own * GRAN + warp * 16 + quadRow;
#pragma unroll
    for (int r = 0; r < 2; r++) {
        fac[r] = fixedFac[row0 + r * 8];
        pre[r] = prefix[row0 + r * 8];
        lseRow[r] = ROW ? lse[row0 + r * 8] : 0.0f;
        sum[r] = 0.0f;
    }
    const float firstPrefix = ROW ? prefix[tile * BM] : 0.0f;
    const float d = skip[head];
    float square = 0.0f, diagonal = 0.0f;
    float grad[32];
#pragma unroll
    for (int i = 0; i < 32; i++) grad[i] = 0.0f;
    /* gap is this warpgroup's; blockGap that of the granule nearest to the stream, which decides. */
    float gap = 0.0f, blockGap = 0.0f;
    const int nearest = ROW ? g0 : g0 + MT - 1;
    const unsigned long long ax = operand(fixedXs + wg * GRAN * P * 2), ay = operand(fixedYs + wg * GRAN * N * 2);

    int stage = 0;
    while (true) {
        copyWait();
        /* cp.async writes through the generic proxy, wgmma reads through the async one. */
        asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
        __syncthreads();
        const float here = total[j];
        const int next = ROW ? j - 1 : j + 1;
        const bool inner = ROW ? j < own : j > own;
        const bool outside = ROW ? j > own : j < own;
        const float gapNext = inner ? gap + here : gap;
        const float blockGapNext = (ROW ? j < nearest : j > nearest) ? blockGap + here : blockGap;
        bool more;
        if (ROW) more = next >= 0 && (next >= g0 || alive(blockGapNext, firstPrefix));
        else more = next < granules && (next < g0 + MT || alive(blockGapNext, prefix[next * GRAN]));
        if (more) prefetch(next, stage ^ 1);

        if (!outside) {
            const u32 streamXs = stages + stage * STAGE, streamYs = streamXs + GRAN * P * 2;
            const unsigned long long bx = operand(streamXs), by = operand(streamYs);
            float x[32], y[32];
            wgmmaFence();
#pragma unroll
            for (int k = 0; k < P / 16; k++) wgmmaNT(x, ax + k * 2, bx + k * 2, k > 0);
            wgmmaCommit();
#pragma unroll
            for (int k = 0; k < N / 16; k++) wgmmaNT(y, ay + k * 2, by + k * 2, k > 0);
            wgmmaCommit();

            const float* vec = vectorsF + stage * 192;
            const float across = exp2Approx(gap);
            const float rowScale[2] = {fac[0] * across, fac[1] * across};
            /* The teacher's exponentials run under the student's product. */
            wgmmaWait<1>();
#pragma unroll
            for (int n = 0; n < 8; n++) {
                float2 l = make_float2(0.0f, 0.0f);
                if (!ROW) l = *(const float2*)(vec + 128 + n * 8 + quadCol);
#pragma unroll
                for (int e = 0; e < 4; e++)
                    x[n * 4 + e] = exp2Approx(fmaf(x[n * 4 + e], k2, -(ROW ? lseRow[e >> 1] : (e & 1) ? l.y : l.x)));
            }
            wgmmaWait<0>();
            /* In halves, so that the first half's product for the gradient runs under the second's arithmetic. */
#pragma unroll
            for (int half = 0; half < 2; half++) {
                u32 a[2][4];
                if (inner) {
#pragma unroll
                    for (int i = 0; i < 4; i++) {
                        const int n = half * 4 + i, col = n * 8 + quadCol;
                        const float2 v = *(const float2*)(vec + col);
                        float w[4];
#pragma unroll
                        for (int e = 0; e < 4; e++) {
                            const float decay = rowScale[e >> 1] * ((e & 1) ? v.y : v.x);
                            const float student = y[n * 4 + e] * decay;
                            const float error = student - x[n * 4 + e];
                            if (ROW) square = fmaf(error, error, square);
                            if (GRAD) sum[e >> 1] = fmaf(error, student, sum[e >> 1]);
                            w[e] = error * decay;
                        }
                        a[i / 2][(i & 1) * 2] = pack(w[0], w[1]);
                        a[i / 2][(i & 1) * 2 + 1] = pack(w[2], w[3]);
                    }
                } else {
#pragma unroll
                    for (int i = 0; i < 4; i++) {
                        const int n = half * 4 + i, col = n * 8 + quadCol;
                        const float2 q = *(const float2*)(vec + 64 + col);
                        float w[4];
#pragma unroll
                        for (int e = 0; e < 4; e++) {
                            const int fixed = row0 + (e >> 1) * 8, streamed = j * GRAN + col + (e & 1);
                            const int t = ROW ? fixed : streamed, s = ROW ? streamed : fixed;
                            const bool valid = s <= t && t < T;
                            const float preStream = (e & 1) ? q.y : q.x;
                            const float difference = ROW ? pre[e >> 1] - preStream : preStream - pre[e >> 1];
                            const float decay = valid ? exp2Approx(difference) : 0.0f;
                            const float student = y[n * 4 + e] * decay;
                            float error = valid ? student - x[n * 4 + e] : 0.0f;
                            if (valid && s == t) {
                                error += d;
                                diagonal += error;
                            } else {
                                sum[e >> 1] = fmaf(error, student, sum[e >> 1]);
                            }
                            if (ROW) square = fmaf(error, error, square);
                            w[e] = error * decay;
                        }
                        a[i / 2][(i & 1) * 2] = pack(w[0], w[1]);
                        a[i / 2][(i & 1) * 2 + 1] = pack(w[2], w[3]);
                    }
                }
                if (GRAD) {
                    wgmmaFence();
                    wgmmaNN(grad, a[0], by + half * 256);
                    wgmmaNN(grad, a[1], by + half * 256 + 128);
                    wgmmaCommit();
                }
            }
            if (GRAD) wgmmaWait<0>();
        }
        if (!more) break;
        gap = gapNext;
        blockGap = blockGapNext;
        j = next;
        stage ^= 1;
    }

    if (GRAD) {
        const float last = DIRECT ? gradScale(norm, upstream, bh, gridDim.x) : 1.0f;
#pragma unroll
        for (int r = 0; r < 2; r++) {
            const int t = row0 + r * 8;
            const float s = quadSum(sum[r]);
            if (t < T) {
                if ((lane & 3) == 0) sums[(long long)bh * Tp + t] = s;
                const long long at = (((long long)batch * T + t) * H + head) * N + quadCol;
#pragma unroll
                for (int n = 0; n < 8; n++)
                    store<DIRECT>(gradPart, gradOut, at + n * 8, grad[n * 4 + r * 2], grad[n * 4 + r * 2 + 1], last);
            }
        }
    }
    if (ROW) {
        /* The fixed tiles are read to the last: only blockSum's first barrier frees their memory. */
        float* scratch = (float*)smem;
        const float squares = blockSum(square, scratch);
        const float diagonals = blockSum(diagonal, scratch + 8);
        if (threadIdx.x == 0) {
            squarePart[bh * gridDim.y + tile] = squares;
            if (GRAD) diagPart[bh * gridDim.y + tile] = diagonals;
        }
    }
}
#define FROB_TILES frob::tilesWg
#else
#define FROB_TILES frob::tiles
#endif

}  // namespace frob

/* One warp per granule of one (b,h); grid ceil(B*H*Tp/64 / 4), 128 threads. */
extern "C" __global__ void __launch_bounds__(128) frob_decay(
    const float* __restrict__ logDecay, float* __restrict__ prefix, float* __restrict__ rowFac,
    float* __restrict__ colFac, float* __restrict__ total, int B, int T, int H, int Tp) {
    using namespace frob;
    const int granules = Tp / GRAN, lane = threadIdx.x & 31;
    const long long id = (long long)blockIdx.x * 4 + (threadIdx.x >> 5);
    if (id >= (long long)B * H * granules) return;
    /* Heads vary fastest over warps, so that neighbours share the sectors of [B,T,H]. */
    const int head = (int)(id % H), granule = (int)(id / H % granules), batch = (int)(id / H / granules);
    const int t = granule * GRAN + lane * 2;
    const float* in = logDecay + ((long long)batch * T + t) * H + head;
    const float a0 = t < T ? in[0] * LOG2E : 0.0f, a1 = t + 1 < T ? in[H] * LOG2E : 0.0f;
    float s = a0 + a1;
#pragma unroll
    for (int d = 1; d < 32; d <<= 1) {
        const float other = __shfl_up_sync(0xffffffffu, s, d);
        if (lane >= d) s += other;
    }
    const float before = __shfl_up_sync(0xffffffffu, s, 1);
    const float p0 = (lane == 0 ? 0.0f : before) + a0, p1 = s;
    const float sum = __shfl_sync(0xffffffffu, s, 31);
    const long long at = ((long long)batch * H + head) * Tp + t;
    *(float2*)(prefix + at) = make_float2(p0, p1);
    *(float2*)(rowFac + at) = make_float2(exp2Approx(p0), exp2Approx(p1));
    *(float2*)(colFac + at) = make_float2(exp2Approx(sum - p0), exp2Approx(sum - p1));
    if (lane == 0) total[((long long)batch * H + head) * granules + granule] = sum;
}

/* lse in log2 units, [B*H,Tp], +inf past T. deadPart [B*H, Tp/FROB_BM]. grid (B*H, Tp/FROB_BM), FROB_TILE_THREADS. */
extern "C" __global__ void __launch_bounds__(FROB_TILE_THREADS, FROB_LSE_BLOCKS) frob_lse(
    const unsigned short* __restrict__ q, const unsigned short* __restrict__ k,
    const float* __restrict__ prefix, const float* __restrict__ total,
    float* __restrict__ lse, float* __restrict__ deadPart, float scale, int T, int H, int Tp)
#if FROB_WGMMA
{
    using namespace frob;
    extern __shared__ __align__(1024) unsigned char smem[];
    constexpr int THREADS = FROB_TILE_THREADS;
    const int lane = threadIdx.x & 31, warp = (threadIdx.x >> 5) & 3, wg = threadIdx.x >> 7;
    const int quadRow = lane >> 2, quadCol = (lane & 3) * 2;
    const int bh = blockIdx.x, batch = bh / H, head = bh % H;
    const int tile = gridDim.y - 1 - blockIdx.y;
    const int g0 = tile * MT, own = g0 + wg, granules = (T + GRAN - 1) / GRAN;
    const float k2 = scale * LOG2E;
    const long long stride = (long long)H * P, offset = (long long)batch * T * stride + (long long)head * P;
    const u32 fixedXs = sharedAddress(smem), stages = fixedXs + BM * P * 2;
    const unsigned long long ax = operand(fixedXs + wg * GRAN * P * 2);
    total += (long long)bh * (Tp / GRAN);

    int j = min(g0 + MT - 1, granules - 1);
    loadTile<P, BM, THREADS>(fixedXs, q + offset, stride, tile * BM, T);
    loadTile<P, GRAN, THREADS>(stages, k + offset, stride, j * GRAN, T);
    copyCommit();

    float top[2] = {-1e30f, -1e30f}, mass[2] = {0.0f, 0.0f}, mass2[2] = {0.0f, 0.0f};
    const float firstPrefix = prefix[(long long)bh * Tp + tile * BM];
    float gap = 0.0f;
    bool dead = false;
    int stage = 0;
    while (true) {
        copyWait();
        asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
        __syncthreads();
        const unsigned long long bx = operand(stages + stage * (GRAN * P * 2));
        if (j > 0) {
            loadTile<P, GRAN, THREADS>(stages + (stage ^ 1) * (GRAN * P * 2), k + offset, stride, (j - 1) * GRAN, T);
            copyCommit();
        }
        if (j <= own) {
            float x[32];
            wgmmaFence();
#pragma unroll
            for (int k = 0; k < P / 16; k++) wgmmaNT(x, ax + k * 2, bx + k * 2, k > 0);
            wgmmaCommit();
            wgmmaWait<0>();
            if (j == own) {
#pragma unroll
                for (int i = 0; i < 32; i++)
                    if ((i >> 2) * 8 + quadCol + (i & 1) > warp * 16 + quadRow + ((i >> 1) & 1) * 8) x[i] = -infinity();
            }
#pragma unroll
            for (int r = 0; r < 2; r++) {
                /* Each thread keeps the maximum of its own columns; the quad's four are merged once, at
                 * the end. It starts finite, so that a thread with every column masked sees no inf - inf. */
                float most = top[r];
#pragma unroll
                for (int n = 0; n < 8; n++) most = fmaxf(most, fmaxf(x[n * 4 + r * 2], x[n * 4 + r * 2 + 1]));
                const float shrink = exp2Approx((top[r] - most) * k2), shift = most * k2;
                top[r] = most;
                float even = 0.0f, odd = 0.0f;
#pragma unroll
                for (int n = 0; n < 8; n++) {
                    x[n * 4 + r * 2] = exp2Approx(fmaf(x[n * 4 + r * 2], k2, -shift));
                    x[n * 4 + r * 2 + 1] = exp2Approx(fmaf(x[n * 4 + r * 2 + 1], k2, -shift));
                    even += x[n * 4 + r * 2];
                    odd += x[n * 4 + r * 2 + 1];
                }
                mass[r] = fmaf(mass[r], shrink, even + odd);
                mass2[r] *= shrink * shrink;
            }
            if (dead) {
#pragma unroll
                for (int i = 0; i < 32; i++) mass2[(i >> 1) & 1] = fmaf(x[i], x[i], mass2[(i >> 1) & 1]);
            }
        }
        if (j == 0) break;
        if (j < g0) gap += total[j];
        j--;
        dead = j < g0 && !alive(gap, firstPrefix);
        stage ^= 1;
    }
    float deadSum = 0.0f;
#pragma unroll
    for (int r = 0; r < 2; r++) {
        const int t = own * GRAN + warp * 16 + quadRow + r * 8;
        float most = top[r];
        most = fmaxf(most, __shfl_xor_sync(0xffffffffu, most, 1));
        most = fmaxf(most, __shfl_xor_sync(0xffffffffu, most, 2));
        const float shrink = exp2Approx((top[r] - most) * k2);
        const float l = quadSum(mass[r] * shrink), l2 = quadSum(mass2[r] * shrink * shrink);
        if ((lane & 3) == 0) {
            lse[(long long)bh * Tp + t] = t < T ? fmaf(most, k2, log2f(l)) : infinity();
            if (t < T) deadSum += l2 / (l * l);
        }
    }
    deadSum = blockSum(deadSum, (float*)smem);
    if (threadIdx.x == 0) deadPart[bh * gridDim.y + tile] = deadSum;
}
#else
{
    using namespace frob;
    extern __shared__ __align__(1024) unsigned char smem[];
    constexpr int NT = GRAN / 8 / MT;
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    const int quadRow = lane >> 2, quadCol = (lane & 3) * 2;
    const int bh = blockIdx.x, batch = bh / H, head = bh % H;
    const int tile = gridDim.y - 1 - blockIdx.y;
    const int g0 = tile * MT, granules = (T + GRAN - 1) / GRAN;
    const float k2 = scale * LOG2E;
    const long long stride = (long long)H * P, offset = (long long)batch * T * stride + (long long)head * P;
    const u32 fixedXs = sharedAddress(smem), stages = fixedXs + BM * P * 2;
    total += (long long)bh * (Tp / GRAN);

    int j = min(g0 + MT - 1, granules - 1);
    loadTile<P, BM>(fixedXs, q + offset, stride, tile * BM, T);
    loadTile<P, GRAN>(stages, k + offset, stride, j * GRAN, T);
    copyCommit();

    float top[MT][2], mass[MT][2], mass2[MT][2];
#pragma unroll
    for (int m = 0; m < MT; m++)
#pragma unroll
        for (int r = 0; r < 2; r++) {
            top[m][r] = -1e30f;
            mass[m][r] = mass2[m][r] = 0.0f;
        }
    const float firstPrefix = prefix[(long long)bh * Tp + tile * BM];
    u32 frag[MT][P / 16][4];
    float gap = 0.0f;
    bool dead = false, first = true;
    int stage = 0;
    while (true) {
        copyWait();
        __syncthreads();
        if (first) {
            loadFixed<P>(frag, fixedXs);
            first = false;
        }
        const u32 streamXs = stages + stage * (GRAN * P * 2);
        if (j > 0) {
            loadTile<P, GRAN>(stages + (stage ^ 1) * (GRAN * P * 2), k + offset, stride, (j - 1) * GRAN, T);
            copyCommit();
        }
#pragma unroll 1
        for (int column0 = 0; column0 < GRAN; column0 += NT * 8) {
            float x[MT][NT][4];
#pragma unroll
            for (int m = 0; m < MT; m++)
#pragma unroll
                for (int n = 0; n < NT; n++)
#pragma unroll
                    for (int e = 0; e < 4; e++) x[m][n][e] = 0.0f;
            multiplyNT<P, NT>(x, frag, streamXs, column0);
#pragma unroll
            for (int m = 0; m < MT; m++) {
                if (j > g0 + m) continue;
                if (j == g0 + m) {
#pragma unroll
                    for (int n = 0; n < NT; n++)
#pragma unroll
                        for (int e = 0; e < 4; e++)
                            if (column0 + n * 8 + quadCol + (e & 1) > warp * 16 + quadRow + (e >> 1) * 8) x[m][n][e] = -infinity();
                }
#pragma unroll
                for (int r = 0; r < 2; r++) {
                    float most = top[m][r];
#pragma unroll
                    for (int n = 0; n < NT; n++) most = fmaxf(most, fmaxf(x[m][n][r * 2], x[m][n][r * 2 + 1]));
                    /* Each thread keeps the maximum of its own columns; the quad's four are merged once, at
                     * the end. It starts finite, so that a thread with every column masked sees no inf - inf. */
                    const float shrink = exp2Approx((top[m][r] - most) * k2), shift = most * k2;
                    top[m][r] = most;
                    float sum = 0.0f, sum2 = 0.0f;
#pragma unroll
                    for (int n = 0; n < NT; n++)
#pragma unroll
                        for (int e = 0; e < 2; e++) {
                            const float p = exp2Approx(fmaf(x[m][n][r * 2 + e], k2, -shift));
                            sum += p;
                            if (dead) sum2 = fmaf(p, p, sum2);
                        }
                    mass[m][r] = fmaf(mass[m][r], shrink, sum);
                    mass2[m][r] = fmaf(mass2[m][r], shrink * shrink, sum2);
                }
            }
        }
        if (j == 0) break;
        if (j < g0) gap += total[j];
        j--;
        dead = j < g0 && !alive(gap, firstPrefix);
        stage ^= 1;
    }
    float deadSum = 0.0f;
#pragma unroll
    for (int m = 0; m < MT; m++)
#pragma unroll
        for (int r = 0; r < 2; r++) {
            const int t = tile * BM + m * GRAN + warp * 16 + quadRow + r * 8;
            float most = top[m][r];
            most = fmaxf(most, __shfl_xor_sync(0xffffffffu, most, 1));
            most = fmaxf(most, __shfl_xor_sync(0xffffffffu, most, 2));
            const float shrink = exp2Approx((top[m][r] - most) * k2);
            const float l = quadSum(mass[m][r] * shrink), l2 = quadSum(mass2[m][r] * shrink * shrink);
            if ((lane & 3) == 0) {
                lse[(long long)bh * Tp + t] = t < T ? fmaf(most, k2, log2f(l)) : infinity();
                if (t < T) deadSum += l2 / (l * l);
            }
        }
    deadSum = blockSum(deadSum, (float*)smem);
    if (threadIdx.x == 0) deadPart[bh * gridDim.y + tile] = deadSum;
}
#endif

/* dcPart [B,T,H,N] fp32, rowSum [B*H,Tp], squarePart, diagPart [B*H, Tp/FROB_BM]; unscaled. */
extern "C" __global__ void __launch_bounds__(FROB_TILE_THREADS, FROB_TILE_BLOCKS) frob_rows(
    const unsigned short* __restrict__ q, const unsigned short* __restrict__ k,
    const unsigned short* __restrict__ c, const unsigned short* __restrict__ b,
    const float* __restrict__ lse, const float* __restrict__ prefix, const float* __restrict__ rowFac,
    const float* __restrict__ colFac, const float* __restrict__ total, const float* __restrict__ skip,
    float* __restrict__ dcPart, float* __restrict__ rowSum, float* __restrict__ squarePart,
    float* __restrict__ diagPart, float scale, int T, int H, int G, int Tp) {
    extern __shared__ __align__(1024) unsigned char smem[];
    FROB_TILES<true, true, false>(q, c, k, b, lse, prefix, rowFac, colFac, total, skip, scale, dcPart, rowSum,
                            squarePart, diagPart, nullptr, nullptr, nullptr, T, H, G, Tp, smem);
}

extern "C" __global__ void __launch_bounds__(FROB_TILE_THREADS, FROB_TILE_BLOCKS) frob_rows_loss(
    const unsigned short* __restrict__ q, const unsigned short* __restrict__ k,
    const unsigned short* __restrict__ c, const unsigned short* __restrict__ b,
    const float* __restrict__ lse, const float* __restrict__ prefix, const float* __restrict__ rowFac,
    const float* __restrict__ colFac, const float* __restrict__ total, const float* __restrict__ skip,
    float* __restrict__ squarePart, float scale, int T, int H, int G, int Tp) {
    extern __shared__ __align__(1024) unsigned char smem[];
    FROB_TILES<true, false, false>(q, c, k, b, lse, prefix, rowFac, colFac, total, skip, scale, nullptr, nullptr,
                             squarePart, nullptr, nullptr, nullptr, nullptr, T, H, G, Tp, smem);
}

/* dbPart [B,T,H,N] fp32, colSum [B*H,Tp]; unscaled. */
extern "C" __global__ void __launch_bounds__(FROB_TILE_THREADS, FROB_TILE_BLOCKS) frob_cols(
    const unsigned short* __restrict__ q, const unsigned short* __restrict__ k,
    const unsigned short* __restrict__ c, const unsigned short* __restrict__ b,
    const float* __restrict__ lse, const float* __restrict__ prefix, const float* __restrict__ rowFac,
    const float* __restrict__ colFac, const float* __restrict__ total, const float* __restrict__ skip,
    float* __restrict__ dbPart, float* __restrict__ colSum, float scale, int T, int H, int G, int Tp) {
    extern __shared__ __align__(1024) unsigned char smem[];
    FROB_TILES<false, true, false>(k, b, q, c, lse, prefix, rowFac, colFac, total, skip, scale, dbPart, colSum,
                             nullptr, nullptr, nullptr, nullptr, nullptr, T, H, G, Tp, smem);
}

/* Where G = H: db [B,T,H,N] bf16 at once, scaled; after frob_norm. colSum stays unscaled. */
extern "C" __global__ void __launch_bounds__(FROB_TILE_THREADS, FROB_TILE_BLOCKS) frob_cols_direct(
    const unsigned short* __restrict__ q, const unsigned short* __restrict__ k,
    const unsigned short* __restrict__ c, const unsigned short* __restrict__ b,
    const float* __restrict__ lse, const float* __restrict__ prefix, const float* __restrict__ rowFac,
    const float* __restrict__ colFac, const float* __restrict__ total, const float* __restrict__ skip,
    const float* __restrict__ norm, const float* __restrict__ upstream, unsigned short* __restrict__ db,
    float* __restrict__ colSum, float scale, int T, int H, int Tp) {
    extern __shared__ __align__(1024) unsigned char smem[];
    FROB_TILES<false, true, true>(k, b, q, c, lse, prefix, rowFac, colFac, total, skip, scale, nullptr, colSum,
                                  nullptr, nullptr, norm, upstream, db, T, H, H, Tp, smem);
}

/* norm [B*H], loss [1]; tiles = Tp/FROB_BM. grid 1, 1024 threads: a single block keeps the order fixed. */
extern "C" __global__ void __launch_bounds__(1024) frob_norm(
    const float* __restrict__ squarePart, const float* __restrict__ deadPart, float* __restrict__ norm,
    float* __restrict__ loss, int BH, int tiles) {
    __shared__ float perWarp[32];
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    float mine = 0.0f;
    for (int bh = warp; bh < BH; bh += 32) {
        float s = 0.0f;
        for (int i = lane; i < tiles; i += 32) s += squarePart[bh * tiles + i] + deadPart[bh * tiles + i];
#pragma unroll
        for (int d = 16; d > 0; d >>= 1) s += __shfl_xor_sync(0xffffffffu, s, d);
        const float n = sqrtf(s);
        if (lane == 0) norm[bh] = n;
        mine += n;
    }
    if (lane == 0) perWarp[warp] = mine;
    __syncthreads();
    if (warp == 0) {
        float s = perWarp[lane];
#pragma unroll
        for (int d = 16; d > 0; d >>= 1) s += __shfl_xor_sync(0xffffffffu, s, d);
        if (lane == 0) *loss = s / BH;
    }
}

namespace frob {

template <bool BF16>
__device__ __forceinline__ void sumHeads(const float* dcPart, const float* dbPart, const float* norm, const float* upstream,
                                         void* dc, void* db, int B, int T, int H, int G) {
    /* blockIdx.z picks the tensor; a thread owns 4 neighbours of one row of [B,T,G,N]. */
    const float* part = blockIdx.z ? dbPart : dcPart;
    void* out = blockIdx.z ? db : dc;
    const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    constexpr int QUADS = N / 4;
    if (i >= (long long)B * T * G * QUADS) return;
    const int quad = (int)(i % QUADS), group = (int)(i / QUADS % G), heads = H / G;
    const long long bt = i / QUADS / G;
    const int batch = (int)(bt / T);
    float4 s = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
    for (int h = group * heads; h < (group + 1) * heads; h++) {
        const float scale = gradScale(norm, upstream, batch * H + h, B * H);
        const float4 v = *(const float4*)(part + (bt * H + h) * N + quad * 4);
        s.x = fmaf(scale, v.x, s.x);
        s.y = fmaf(scale, v.y, s.y);
        s.z = fmaf(scale, v.z, s.z);
        s.w = fmaf(scale, v.w, s.w);
    }
    if (BF16) ((uint2*)out)[i] = make_uint2(pack(s.x, s.y), pack(s.z, s.w));
    else ((float4*)out)[i] = s;
}

}  // namespace frob

/* dc, db [B,T,G,N]. grid (ceil(B*T*G*N/4 / 256), 1, 2), 256 threads; z = 1 for dc alone, db having come
 * from frob_cols_direct. upstream: one fp32. */
extern "C" __global__ void __launch_bounds__(256) frob_grad_bc_f32(
    const float* __restrict__ dcPart, const float* __restrict__ dbPart, const float* __restrict__ norm,
    const float* __restrict__ upstream, float* __restrict__ dc, float* __restrict__ db, int B, int T, int H, int G) {
    frob::sumHeads<false>(dcPart, dbPart, norm, upstream, dc, db, B, T, H, G);
}

extern "C" __global__ void __launch_bounds__(256) frob_grad_bc_bf16(
    const float* __restrict__ dcPart, const float* __restrict__ dbPart, const float* __restrict__ norm,
    const float* __restrict__ upstream, unsigned short* __restrict__ dc, unsigned short* __restrict__ db,
    int B, int T, int H, int G) {
    frob::sumHeads<true>(dcPart, dbPart, norm, upstream, dc, db, B, T, H, G);
}

/* dLogDecay [B,T,H], dSkip [H]. grid B*H, 1024 threads; tiles = Tp/FROB_BM. */
extern "C" __global__ void __launch_bounds__(1024) frob_grad_decay(
    const float* __restrict__ rowSum, const float* __restrict__ colSum, const float* __restrict__ diagPart,
    const float* __restrict__ norm, const float* __restrict__ upstream, float* __restrict__ dLogDecay,
    float* __restrict__ dSkip, int B, int T, int H, int Tp, int tiles) {
    using namespace frob;
    __shared__ double perWarp[32];
    const int bh = blockIdx.x, batch = bh / H, head = bh % H;
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    const float scale = gradScale(norm, upstream, bh, B * H);
    rowSum += (long long)bh * Tp;
    colSum += (long long)bh * Tp;
    double carry = 0.0;
    for (int chunk = (T + 1023) / 1024 - 1; chunk >= 0; chunk--) {
        /* Thread order runs against time: the reverse sum is then an ordinary scan. */
        const int t = chunk * 1024 + 1023 - (int)threadIdx.x;
        double s = t < T ? (double)rowSum[t] - (double)colSum[t] : 0.0;
#pragma unroll
        for (int d = 1; d < 32; d <<= 1) {
            const double other = __shfl_up_sync(0xffffffffu, s, d);
            if (lane >= d) s += other;
        }
        __syncthreads();
        if (lane == 31) perWarp[warp] = s;
        __syncthreads();
        double before = carry, all = carry;
        for (int w = 0; w < 32; w++) {
            if (w == warp) before = all;
            all += perWarp[w];
        }
        if (t < T) dLogDecay[((long long)batch * T + t) * H + head] = (float)(s + before) * scale;
        carry = all;
    }
    if (batch == 0 && warp == 0) {
        float d = 0.0f;
        for (int b = 0; b < B; b++) {
            float s = 0.0f;
            for (int i = lane; i < tiles; i += 32) s += diagPart[(b * H + head) * tiles + i];
#pragma unroll
            for (int x = 16; x > 0; x >>= 1) s += __shfl_xor_sync(0xffffffffu, s, x);
            d = fmaf(gradScale(norm, upstream, b * H + head, B * H), s, d);
        }
        if (lane == 0) dSkip[head] = d;
    }
}

/* What a launch needs: threads of the tile kernels, rows of a tile, dynamic shared memory of frob_lse and of the others. */
extern "C" __device__ int frobeniusSizes[4] = {FROB_TILE_THREADS, FROB_BM, FROB_LSE_SMEM, FROB_ROWS_SMEM};
