// The distance of stage 1, and what its gradient needs of rows; shapes and notation are in frobenius.cuh.
//
//   frob_decay      prefix sums of the log decay within each granule, each granule's total, and their powers.
//   frob_lse        log-sum-exp of the teacher's rows, online softmax. In dead tiles it also sums p^2, so that no later
//                   kernel visits them: there (M - M')^2 = M^2.
//   frob_rows       blocks over rows, the live tiles only: E = M' - M on chip, sum of E^2, and, since the scale of the
//                   gradient is one number per (b,h), already the unscaled gradients that need rows:
//                   dc_t = sum_s E L b_s, rowSum_t = sum_{s<t} E M', diag = sum_t E[t,t].
//   frob_rows_loss  the same without gradients.
//   frob_norm       sums the partials in a fixed order; norm per (b,h) and the loss.

#if FROB_WGMMA && FROB_P == 64 && FROB_N == 64
#include "frobenius_wgmma.cuh"
#else
#include "frobenius_mma.cuh"
#endif

// One warp per granule of one (b,h); grid ceil(B*H*Tp/64 / 4), 128 threads.
extern "C" __global__ void __launch_bounds__(128) frob_decay(
    const float *__restrict__ logDecay, float *__restrict__ prefix, float *__restrict__ rowFac,
    float *__restrict__ colFac, float *__restrict__ total, int B, int T, int H, int Tp) {
    const int granules = Tp / GRANULE, lane = threadIdx.x & 31;
    const Size id = (Size)blockIdx.x * 4 + (threadIdx.x >> 5);
    if (id >= (Size)B * H * granules) return;
    // Heads vary fastest over warps, so that neighbors share the sectors of [B,T,H].
    const int head = (int)(id % H), granule = (int)(id / H % granules), batch = (int)(id / H / granules);
    const int t = granule * GRANULE + lane * 2;
    const float *in = logDecay + ((Size)batch * T + t) * H + head;
    const float a0 = t < T ? in[0] * LOG2E : 0.0f, a1 = t + 1 < T ? in[H] * LOG2E : 0.0f;
    float s = a0 + a1;
#pragma unroll
    for (int d = 1; d < 32; d <<= 1) {
        const float other = __shfl_up_sync(ALL_LANES, s, d);
        if (lane >= d) s += other;
    }
    const float before = __shfl_up_sync(ALL_LANES, s, 1);
    const float p0 = (lane == 0 ? 0.0f : before) + a0, p1 = s;
    const float sum = __shfl_sync(ALL_LANES, s, 31);
    const Size at = ((Size)batch * H + head) * Tp + t;
    *(float2 *)(prefix + at) = make_float2(p0, p1);
    *(float2 *)(rowFac + at) = make_float2(exp2Approx(p0), exp2Approx(p1));
    *(float2 *)(colFac + at) = make_float2(exp2Approx(sum - p0), exp2Approx(sum - p1));
    if (lane == 0) total[((Size)batch * H + head) * granules + granule] = sum;
}

// deadPart [B*H, Tp/BM]. Grid B*H, Tp/BM.
extern "C" __global__ void __launch_bounds__(THREADS, LSE_BLOCKS) frob_lse(
    const Bf16 *__restrict__ q, const Bf16 *__restrict__ k, const float *__restrict__ prefix,
    const float *__restrict__ total, float *__restrict__ lse, float *__restrict__ deadPart, float scale, int T, int H,
    int Tp) {
    logSumExp(q, k, prefix, total, lse, deadPart, scale, T, H, Tp);
}

// dcPart [B,T,H,N] float32, rowSum [B*H,Tp], squarePart, diagPart [B*H, Tp/BM]; unscaled. Grid B*H, Tp/BM.
extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS) frob_rows(
    const Bf16 *__restrict__ q, const Bf16 *__restrict__ k, const Bf16 *__restrict__ c, const Bf16 *__restrict__ b,
    const float *__restrict__ lse, const float *__restrict__ prefix, const float *__restrict__ rowFac,
    const float *__restrict__ colFac, const float *__restrict__ total, const float *__restrict__ skip,
    float *__restrict__ dcPart, float *__restrict__ rowSum, float *__restrict__ squarePart,
    float *__restrict__ diagPart, float scale, int T, int H, int G, int Tp) {
    const Matrices matrices = {q, k, c, b, lse, prefix, rowFac, colFac, total, skip, scale, T, H, G, Tp};
    overTiles<true, true>(matrices, dcPart, rowSum, squarePart, diagPart);
}

extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS) frob_rows_loss(
    const Bf16 *__restrict__ q, const Bf16 *__restrict__ k, const Bf16 *__restrict__ c, const Bf16 *__restrict__ b,
    const float *__restrict__ lse, const float *__restrict__ prefix, const float *__restrict__ rowFac,
    const float *__restrict__ colFac, const float *__restrict__ total, const float *__restrict__ skip,
    float *__restrict__ squarePart, float scale, int T, int H, int G, int Tp) {
    const Matrices matrices = {q, k, c, b, lse, prefix, rowFac, colFac, total, skip, scale, T, H, G, Tp};
    overTiles<true, false>(matrices, nullptr, nullptr, squarePart, nullptr);
}

// norm [B*H], loss [1]; tiles = Tp/FROB_BM. grid 1, 1024 threads: a single block keeps the order fixed.
extern "C" __global__ void __launch_bounds__(1024) frob_norm(
    const float *__restrict__ squarePart, const float *__restrict__ deadPart, float *__restrict__ norm,
    float *__restrict__ loss, int BH, int tiles) {
    __shared__ float perWarp[32];
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    float mine = 0.0f;
    for (int bh = warp; bh < BH; bh += 32) {
        float s = 0.0f;
        for (int i = lane; i < tiles; i += 32) s += squarePart[bh * tiles + i] + deadPart[bh * tiles + i];
#pragma unroll
        for (int d = 16; d > 0; d >>= 1) s += __shfl_xor_sync(ALL_LANES, s, d);
        const float n = sqrtf(s);
        if (lane == 0) norm[bh] = n;
        mine += n;
    }
    if (lane == 0) perWarp[warp] = mine;
    __syncthreads();
    if (warp == 0) {
        float s = perWarp[lane];
#pragma unroll
        for (int d = 16; d > 0; d >>= 1) s += __shfl_xor_sync(ALL_LANES, s, d);
        if (lane == 0) *loss = s / BH;
    }
}

// What a launch needs: threads of the kernels over tiles, rows of a tile, dynamic shared memory of frob_lse and of
// frob_rows.
extern "C" __device__ int frobeniusForwardSizes[4] = {THREADS, BM, LSE_SHARED_BYTES, TILE_SHARED_BYTES};
