// The gradient of the semiseparable product; shapes and notation are in semiseparable.cuh. Chunks in reverse, with R
// the gradient of the state after the chunk, E_tr = dy_t . x_r, G_tr = c_t . b_r:
//
//   dx_r    = sum_t L_tr G_tr dy_t + exp(s_Q - s_r) R b_r + skip dy_r
//   db_r    = sum_t L_tr E_tr c_t  + exp(s_Q - s_r) R^T x_r
//   dc_t    = sum_r L_tr E_tr b_r  + exp(s_t) S_prev^T dy_t
//   R_prev  = exp(s_Q) R + sum_t exp(s_t) dy_t c_t^T
//   da_u    = exp(s_Q) <R, S_prev> + sum_{t >= u} I_t + sum_{r < u} J_r + sum_{r < u <= t} L_tr G_tr E_tr
//             I_t = c_t . (exp(s_t) S_prev^T dy_t),   J_r = b_r . (exp(s_Q - s_r) R^T x_r)
//
// The last sum of da is a suffix sum of (row sums - column sums) of the same float32 products, diagonal left out: both
// sides hold equal values, so the pairs that do not span u cancel to float32 rounding, which the shorter rule "suffix
// sum of c.dc - b.db" over factors rounded to bfloat16 would not give.
//
// Bytes at batch 8, time 2048, heads = groups = 32, P = N = 64 (one tensor is 67 MB): reads 4 tensors and the chunk
// states, writes 3 tensors, 537 MB. FLOPs: 10 products of 64^3 multiply-adds a chunk of a head, those with L at 10/16
// of it: 33 GFLOP at this size.

#include "semiseparable_gradients.cuh"

template <int ROLE>
__device__ __forceinline__ void backward(
    const Bf16 *x, const Bf16 *b, const Bf16 *c, const float *logDecay, const float *skip, const Bf16 *chunkStates,
    const Bf16 *dy, const float *dFinalState, Bf16 *dx, Bf16 *db, Bf16 *dc, float *dbHeads, float *dcHeads,
    float *dLogDecay, float *dInitialState, float *dSkipParts, int time, int heads, int groups) {
    constexpr bool READS_STATE = ROLE == 0;
    constexpr bool CARRIES_STATE = ROLE == ROLES - 1;
    const unsigned shared = sharedAddress(sharedBytes);
    const Lanes l;
    const auto [warp, batch, head, group, rowGroup] = Work(heads, groups);
    const bool scanner = rowGroup == 0 && CARRIES_STATE;
    const int firstRow = rowGroup * 16;
    const int chunks = (time + CHUNK - 1) / CHUNK;
    const Size xStride = (Size)heads * P;
    const Size nStride = (Size)groups * N;
    const Size headStride = (Size)heads * N;
    const Size stateOffset = (Size)blockIdx.x * P * N;
    x += (Size)batch * time * xStride + head * P;
    dy += (Size)batch * time * xStride + head * P;
    dx += (Size)batch * time * xStride + head * P;
    b += (Size)batch * time * nStride + group * N;
    c += (Size)batch * time * nStride + group * N;
    // With one head per group the gradients of b and c are final here; otherwise each head leaves float32 parts and
    // semiseparable_group_sum adds them in a fixed order.
    const bool direct = heads == groups;
    if (direct) {
        db += (Size)batch * time * nStride + group * N;
        dc += (Size)batch * time * nStride + group * N;
    } else {
        dbHeads += (Size)batch * time * headStride + head * N;
        dcHeads += (Size)batch * time * headStride + head * N;
    }
    logDecay += (Size)batch * time * heads + head;
    dLogDecay += (Size)batch * time * heads + head;
    chunkStates += stateOffset * chunks;
    const float skipFactor = skip != nullptr ? skip[head] : 0.0f;
    float skipGradient = 0;

    auto prefetch = [&](int chunk) {
        if (chunk >= 0) {
            unsigned stage = shared + (chunk % STAGES) * STAGE_BYTES;
            Size first = (Size)chunk * CHUNK;
            int valid = min(CHUNK, time - chunk * CHUNK);
            loadTile<CHUNK, P, THREADS>(stage, x + first * xStride, xStride, valid);
            loadTile<CHUNK, N, THREADS>(stage + B_TILE, b + first * nStride, nStride, valid);
            loadTile<CHUNK, N, THREADS>(stage + C_TILE, c + first * nStride, nStride, valid);
            loadTile<CHUNK, P, THREADS>(stage + DY_TILE, dy + first * xStride, xStride, valid);
            loadTile<P, N, THREADS>(stage + PREVIOUS, chunkStates + (Size)chunk * P * N, N, P);
            if (scanner) loadDecay(stage + DECAY, logDecay, first, heads, valid, l.lane);
        }
        commitCopies();
    };

    if constexpr (STAGES > 1) prefetch(chunks - 1);

    State gradient(warp);
    if constexpr (CARRIES_STATE) gradient.load(dFinalState != nullptr ? dFinalState + stateOffset : nullptr, l);
#pragma unroll 1
    for (int chunk = chunks - 1; chunk >= 0; chunk--) {
        Chunk k;
        k.stage = shared + (chunk % STAGES) * STAGE_BYTES;
        k.gradient = shared + GRADIENTS + (chunk & 1) * STATE_TILE_BYTES;
        k.sums = shared + SUMS + (chunk & 1) * SUMS_BYTES;
        k.cumulative = shared + CUMULATIVE + (chunk & 1) * DECAY_BYTES;
        if constexpr (STAGES == 1) {
            blockBarrier<THREADS>();
            prefetch(chunk);
        }
        if constexpr (CARRIES_STATE) gradient.toShared(k.gradient, l);
        waitCopies<0>();
        if (scanner) scanDecay(k.stage + DECAY, k.cumulative, l.lane);
        // As in the forward pass the only barrier of a chunk.
        blockBarrier<THREADS>();
        if constexpr (STAGES > 1) prefetch(chunk - 1);
        k.last = sharedFloat(k.cumulative + (CHUNK - 1) * 4);
        const int firstStep = chunk * CHUNK + firstRow;
        const int validRows = time - firstStep;
        k.rowGroup = rowGroup;
        k.firstRow = firstRow;
        k.upper = sharedFloat(k.cumulative + (firstRow + l.row) * 4);
        k.lower = sharedFloat(k.cumulative + (firstRow + l.row + 8) * 4);

        if constexpr (READS_STATE) {
            float dxRows[X_TILES][4], dbRows[N_TILES][4];
            gradientsOfReading(dxRows, dbRows, skipGradient, k, l);
            if (skip != nullptr)
                addScaled<X_TILES>(dxRows, skipFactor, k.stage + DY_TILE + firstRow * X_ROW * 2, X_ROW, l);
            storeTile<X_TILES>(dx + firstStep * xStride, xStride, dxRows, l, validRows);
            if (direct) {
                storeTile<N_TILES>(db + firstStep * nStride, nStride, dbRows, l, validRows);
            } else {
                storeTile<N_TILES>(dbHeads + firstStep * headStride, headStride, dbRows, l, validRows);
            }
        }
        if constexpr (CARRIES_STATE) {
            float dcRows[N_TILES][4];
            gradientOfWriting(dcRows, k, l);
            if (direct) {
                storeTile<N_TILES>(dc + firstStep * nStride, nStride, dcRows, l, validRows);
            } else {
                storeTile<N_TILES>(dcHeads + firstStep * headStride, headStride, dcRows, l, validRows);
            }
            float boundary = exp2Approx(k.last) * gradient.product(k.stage + PREVIOUS, l);
            if (l.lane == 0) storeShared(k.sums + BOUNDARY + warp * 4, boundary);
            gradient.advance<false>(k.stage + DY_TILE, k.stage + C_TILE, k.cumulative, k.last, l);
        }
        // The sums of the chunk done before this one: complete since the barrier above, and kept until the next.
        if (scanner && chunk + 1 < chunks) {
            storeDecayGradient(
                dLogDecay, shared + SUMS + ((chunk + 1) & 1) * SUMS_BYTES, (chunk + 1) * CHUNK, time, heads, l.lane);
        }
    }
    if constexpr (CARRIES_STATE) gradient.store(dInitialState != nullptr ? dInitialState + stateOffset : nullptr, l);
    blockBarrier<THREADS>();
    if (scanner && chunks > 0) storeDecayGradient(dLogDecay, shared + SUMS, 0, time, heads, l.lane);
    if (dSkipParts != nullptr) {
        blockBarrier<THREADS>();
        float sum = combineWarp(SUM, skipGradient);
        if (READS_STATE && l.lane == 0) storeShared(shared + SUMS + warp * 4, sum);
        blockBarrier<THREADS>();
        if (threadIdx.x == 0) {
            float total = 0;
            for (int w = 0; w < WARPS; w++) total += sharedFloat(shared + SUMS + w * 4);
            dSkipParts[blockIdx.x] = total;
        }
    }
    waitCopies<0>();
}

// Grid batch * heads. May be null: skip, dFinalState (zeros), dInitialState, dSkipParts ([batch, heads], the gradient
// of skip before the sum over the batch). With groups == heads, db and dc are written and dbHeads, dcHeads ignored;
// otherwise dbHeads, dcHeads [batch, time, heads, N] float32 are written and semiseparable_group_sum forms db and dc.
extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS) semiseparable_backward(
    const Bf16 *__restrict__ x, const Bf16 *__restrict__ b, const Bf16 *__restrict__ c,
    const float *__restrict__ logDecay, const float *__restrict__ skip, const Bf16 *__restrict__ chunkStates,
    const Bf16 *__restrict__ dy, const float *__restrict__ dFinalState, Bf16 *__restrict__ dx, Bf16 *__restrict__ db,
    Bf16 *__restrict__ dc, float *__restrict__ dbHeads, float *__restrict__ dcHeads, float *__restrict__ dLogDecay,
    float *__restrict__ dInitialState, float *__restrict__ dSkipParts, int time, int heads, int groups) {
    if (ROLES == 1 || threadIdx.x < ROLE_THREADS) {
        backward<0>(
            x, b, c, logDecay, skip, chunkStates, dy, dFinalState, dx, db, dc, dbHeads, dcHeads, dLogDecay,
            dInitialState, dSkipParts, time, heads, groups);
    } else {
        backward<ROLES - 1>(
            x, b, c, logDecay, skip, chunkStates, dy, dFinalState, dx, db, dc, dbHeads, dcHeads, dLogDecay,
            dInitialState, dSkipParts, time, heads, groups);
    }
}

// Adds the gradients of b (blockIdx.y 0) and c (1) over the heads of each group, in head order; only where groups <
// heads. Grid ceil(batch * time * groups * N / 2 / blockDim.x), 2.
extern "C" __global__ void semiseparable_group_sum(
    const float *__restrict__ dbHeads, const float *__restrict__ dcHeads, Bf16 *__restrict__ db, Bf16 *__restrict__ dc,
    Size pairs, int headsPerGroup, int stateSize) {
    Size i = (Size)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= pairs) return;
    int half = stateSize / 2;
    const float2 *in =
        (const float2 *)(blockIdx.y == 0 ? dbHeads : dcHeads) + i / half * headsPerGroup * half + i % half;
    float2 sum = make_float2(0, 0);
    for (int h = 0; h < headsPerGroup; h++) {
        float2 v = in[(Size)h * half];
        sum.x += v.x;
        sum.y += v.y;
    }
    ((unsigned *)(blockIdx.y == 0 ? db : dc))[i] = toBf16Pair(sum.x, sum.y);
}

// What a launch needs: threads and dynamic shared memory.
extern "C" __device__ int semiseparableBackwardSizes[2] = {THREADS, SHARED_BYTES};
