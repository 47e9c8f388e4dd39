// The gradient of the distance of stage 1; shapes and notation are in frobenius.cuh.
//
//   frob_cols         blocks over columns, both matrices recomputed transposed: db_s = sum_t E L c_t,
//                     colSum_s = sum_{t>s} E M'.
//   frob_grad_bc_f32  sums heads of a group in order, times g/(B*H*norm); zero where the norm is zero.
//   frob_grad_decay   dLogDecay_r = sum_{t>=r} (rowSum_t - colSum_t), in float64 because the terms nearly cancel; the
//                     diagonal, which would cancel exactly, is left out of both. dD too.

#if FROB_WGMMA && FROB_P == 64 && FROB_N == 64
#include "frobenius_wgmma.cuh"
#else
#include "frobenius_mma.cuh"
#endif

// dbPart [B,T,H,N] float32, colSum [B*H,Tp]; unscaled. Grid B*H, Tp/BM.
extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS) frob_cols(
    const Bf16 *__restrict__ q, const Bf16 *__restrict__ k, const Bf16 *__restrict__ c, const Bf16 *__restrict__ b,
    const float *__restrict__ lse, const float *__restrict__ prefix, const float *__restrict__ rowFac,
    const float *__restrict__ colFac, const float *__restrict__ total, const float *__restrict__ skip,
    float *__restrict__ dbPart, float *__restrict__ colSum, float scale, int T, int H, int G, int Tp) {
    const Matrices matrices = {q, k, c, b, lse, prefix, rowFac, colFac, total, skip, scale, T, H, G, Tp};
    overTiles<false, true>(matrices, dbPart, colSum, nullptr, nullptr);
}

// dc, db [B,T,G,N], upstream [1]. A thread owns 4 neighbors of one row; blockIdx.z picks dc (0) or db (1). Grid
// ceil(B*T*G*N/4 / 256), 1, 2.
extern "C" __global__ void __launch_bounds__(256) frob_grad_bc_f32(
    const float *__restrict__ dcPart, const float *__restrict__ dbPart, const float *__restrict__ norm,
    const float *__restrict__ upstream, float *__restrict__ dc, float *__restrict__ db, int B, int T, int H, int G) {
    const float *part = blockIdx.z ? dbPart : dcPart;
    float *out = blockIdx.z ? db : dc;
    const Size i = (Size)blockIdx.x * blockDim.x + threadIdx.x;
    constexpr int QUADS = N / 4;
    if (i >= (Size)B * T * G * QUADS) return;
    const int quad = (int)(i % QUADS), group = (int)(i / QUADS % G), heads = H / G;
    const Size bt = i / QUADS / G;
    const int batch = (int)(bt / T);
    float4 s = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
    for (int h = group * heads; h < (group + 1) * heads; h++) {
        const float scale = gradScale(norm, upstream, batch * H + h, B * H);
        const float4 v = *(const float4 *)(part + (bt * H + h) * N + quad * 4);
        s.x = fmaf(scale, v.x, s.x);
        s.y = fmaf(scale, v.y, s.y);
        s.z = fmaf(scale, v.z, s.z);
        s.w = fmaf(scale, v.w, s.w);
    }
    ((float4 *)out)[i] = s;
}

// dLogDecay [B,T,H], dSkip [H]. grid B*H, 1024 threads; tiles = Tp/FROB_BM.
extern "C" __global__ void __launch_bounds__(1024) frob_grad_decay(
    const float *__restrict__ rowSum, const float *__restrict__ colSum, const float *__restrict__ diagPart,
    const float *__restrict__ norm, const float *__restrict__ upstream, float *__restrict__ dLogDecay,
    float *__restrict__ dSkip, int B, int T, int H, int Tp, int tiles) {
    __shared__ double perWarp[32];
    const int bh = blockIdx.x, batch = bh / H, head = bh % H;
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    const float scale = gradScale(norm, upstream, bh, B * H);
    rowSum += (Size)bh * Tp;
    colSum += (Size)bh * Tp;
    double carry = 0.0;
    for (int chunk = (T + 1023) / 1024 - 1; chunk >= 0; chunk--) {
        // Thread order runs against time: the reverse sum is then an ordinary scan.
        const int t = chunk * 1024 + 1023 - (int)threadIdx.x;
        double s = t < T ? (double)rowSum[t] - (double)colSum[t] : 0.0;
#pragma unroll
        for (int d = 1; d < 32; d <<= 1) {
            const double other = __shfl_up_sync(ALL_LANES, s, d);
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
        if (t < T) dLogDecay[((Size)batch * T + t) * H + head] = (float)(s + before) * scale;
        carry = all;
    }
    if (batch == 0 && warp == 0) {
        float d = 0.0f;
        for (int b = 0; b < B; b++) {
            float s = 0.0f;
            for (int i = lane; i < tiles; i += 32) s += diagPart[(b * H + head) * tiles + i];
#pragma unroll
            for (int x = 16; x > 0; x >>= 1) s += __shfl_xor_sync(ALL_LANES, s, x);
            d = fmaf(gradScale(norm, upstream, b * H + head, B * H), s, d);
        }
        if (lane == 0) dSkip[head] = d;
    }
}

// What a launch needs: threads of frob_cols and its dynamic shared memory.
extern "C" __device__ int frobeniusBackwardSizes[2] = {THREADS, TILE_SHARED_BYTES};
