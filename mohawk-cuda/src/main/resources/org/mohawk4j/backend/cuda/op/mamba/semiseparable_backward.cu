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

#include "semiseparable_state.cuh"

constexpr int ROLES = P + N > 128 ? 2 : 1;
constexpr int THREADS = ROLE_THREADS * ROLES;
constexpr int X_TILES = P / 8;
constexpr int N_TILES = N / 8;

// A stage holds what one chunk reads: x, b, c, dy, the state before it and the decay. Offsets in bytes.
constexpr int B_TILE = X_TILE_BYTES;
constexpr int C_TILE = B_TILE + N_TILE_BYTES;
constexpr int DY_TILE = C_TILE + N_TILE_BYTES;
constexpr int PREVIOUS = DY_TILE + X_TILE_BYTES;
constexpr int DECAY = PREVIOUS + STATE_TILE_BYTES;
constexpr int STAGE_BYTES = DECAY + DECAY_BYTES;
// Sums for the decay gradient of one chunk: of L G E by row group and step t, and by step r; I, J, and one term of
// <R, S_prev> a warp.
constexpr int COLUMN_SUMS = ROW_GROUPS * DECAY_BYTES;
constexpr int OUTGOING = COLUMN_SUMS + DECAY_BYTES;
constexpr int INCOMING = OUTGOING + DECAY_BYTES;
constexpr int BOUNDARY = INCOMING + DECAY_BYTES;
constexpr int SUMS_BYTES = BOUNDARY + WARPS * 4;
constexpr int FIXED = 2 * STATE_TILE_BYTES + 2 * DECAY_BYTES + 2 * SUMS_BYTES;
constexpr int STAGES = 2 * STAGE_BYTES + FIXED <= MOST_SHARED_BYTES ? 2 : 1;
constexpr int GRADIENTS = STAGES * STAGE_BYTES;
constexpr int CUMULATIVE = GRADIENTS + 2 * STATE_TILE_BYTES;
constexpr int SUMS = CUMULATIVE + 2 * DECAY_BYTES;
constexpr int SHARED_BYTES = SUMS + 2 * SUMS_BYTES;

// A chunk as a warp sees it: addresses in shared memory, the 16 steps that are its rows, and s of the lane's two and of
// the last step.
struct Chunk {
    unsigned stage, gradient, sums, cumulative;
    int rowGroup, firstRow;
    float last, upper, lower;
};

// A number for each of a lane's two rows, which the four lanes of a row share.
__device__ __forceinline__ void storeOfRows(unsigned sums, float2 v, const Chunk &k, const Lanes &l) {
    if (l.pair == 0) {
        storeShared(sums + (k.firstRow + l.row) * 4, v.x);
        storeShared(sums + (k.firstRow + l.row + 8) * 4, v.y);
    }
}

// Two sums over the four lanes of a row, side by side.
__device__ __forceinline__ float2 quadSums(float2 v) {
    v.x += __shfl_xor_sync(ALL_LANES, v.x, 1);
    v.y += __shfl_xor_sync(ALL_LANES, v.y, 1);
    v.x += __shfl_xor_sync(ALL_LANES, v.x, 2);
    v.y += __shfl_xor_sync(ALL_LANES, v.y, 2);
    return v;
}

// The inner product of each of the 16 rows of v with the same row of a tile.
template <int TILES>
__device__ __forceinline__ float2 rowProducts(const float (&v)[TILES][4], unsigned tile, int stride, const Lanes &l) {
    float2 sum = make_float2(0, 0);
    unsigned at = tile + (l.row * stride + l.pair * 2) * 2;
#pragma unroll
    for (int j = 0; j < TILES; j++) {
        unsigned upper = sharedWord(at + j * 16);
        unsigned lower = sharedWord(at + j * 16 + 8 * stride * 2);
        sum.x += v[j][0] * lowerBf16(upper) + v[j][1] * upperBf16(upper);
        sum.y += v[j][2] * lowerBf16(lower) + v[j][3] * upperBf16(lower);
    }
    return quadSums(sum);
}

// Two products, interleaved: each alone is a chain of dependent mma too short of parallel work.
template <int STEPS_U, int STEPS_V>
__device__ __forceinline__ void addTwoProducts(
    float (&u)[2][4], const unsigned (&a)[STEPS_U][4], unsigned uHigh, float (&v)[2][4],
    const unsigned (&b)[STEPS_V][4], unsigned vHigh) {
#pragma unroll
    for (int k = 0; k < (STEPS_U > STEPS_V ? STEPS_U : STEPS_V); k++) {
        unsigned f[4], g[4];
        if (k < STEPS_U) ldmatrix(f, uHigh + k * 32);
        if (k < STEPS_V) ldmatrix(g, vHigh + k * 32);
        if (k < STEPS_U) {
            mma(u[0], a[k < STEPS_U ? k : 0], f[0], f[1]);
            mma(u[1], a[k < STEPS_U ? k : 0], f[2], f[3]);
        }
        if (k < STEPS_V) {
            mma(v[0], b[k < STEPS_V ? k : 0], g[0], g[1]);
            mma(v[1], b[k < STEPS_V ? k : 0], g[2], g[3]);
        }
    }
}

// Sums over this warp's 16 steps r for each of 16 steps t, of which a lane holds four columns' sums of its two rows;
// the lanes halve the columns they hold as they add.
__device__ __forceinline__ void storeSumsOfColumns(const float (&pairs)[4], unsigned sums, int tile, const Lanes &l) {
    bool four = l.lane & 4, eight = l.lane & 8;
    float k0 = four ? pairs[2] : pairs[0], k1 = four ? pairs[3] : pairs[1];
    k0 += __shfl_xor_sync(ALL_LANES, four ? pairs[0] : pairs[2], 4);
    k1 += __shfl_xor_sync(ALL_LANES, four ? pairs[1] : pairs[3], 4);
    float k = (eight ? k1 : k0) + __shfl_xor_sync(ALL_LANES, eight ? k0 : k1, 8);
    k += __shfl_xor_sync(ALL_LANES, k, 16);
    if (l.lane < 16) {
        int t = tile * 16 + (four ? 8 : 0) + l.pair * 2 + (eight ? 1 : 0);
        storeShared(sums + t * 4, k);
    }
}

// dx, without the skip, and db: this warp's rows are the reading steps r.
__device__ __forceinline__ void gradientsOfReading(
    float (&dx)[X_TILES][4], float (&db)[N_TILES][4], float &skipGradient, const Chunk &k, const Lanes &l) {
    const unsigned xTile = k.stage, bTile = k.stage + B_TILE, cTile = k.stage + C_TILE, dyTile = k.stage + DY_TILE;
    unsigned bRows[N / 16][4], xRows[P / 16][4];
    loadRows<N / 16>(bRows, l.low(bTile, N_ROW) + k.firstRow * N_ROW * 2);
    loadRows<P / 16>(xRows, l.low(xTile, X_ROW) + k.firstRow * X_ROW * 2);
    clear<X_TILES>(dx);
    clear<N_TILES>(db);
    addProduct<X_TILES, N / 16>(dx, bRows, l.high(k.gradient, N_ROW), N_ROW);
    addProductRows<N_TILES, P / 16>(db, xRows, l.low(k.gradient, N_ROW), N_ROW);
    const float upperLeft = exp2Approx(k.last - k.upper), lowerLeft = exp2Approx(k.last - k.lower);
    scaleRows<X_TILES>(dx, upperLeft, lowerLeft);
    scaleRows<N_TILES>(db, upperLeft, lowerLeft);
    const unsigned incoming = k.sums + INCOMING;
    const float2 j = rowProducts<N_TILES>(db, bTile + k.firstRow * N_ROW * 2, N_ROW, l);
    storeOfRows(incoming, j, k, l);
    float2 columnSum = make_float2(0, 0);
    const unsigned cHigh = l.high(cTile, N_ROW), dyHigh = l.high(dyTile, X_ROW);
    const unsigned cLow = l.low(cTile, N_ROW), dyLow = l.low(dyTile, X_ROW);
#pragma unroll 1
    for (int ahead = 0; ahead < ROW_GROUPS; ahead++) {
        const int tile = k.rowGroup + ahead;
        if (tile >= ROW_GROUPS) break;
        float g[2][4], e[2][4];
        clear<2>(g);
        clear<2>(e);
        addTwoProducts<N / 16, P / 16>(
            g, bRows, cHigh + tile * 16 * N_ROW * 2, e, xRows, dyHigh + tile * 16 * X_ROW * 2);
        float pairs[4];
#pragma unroll
        for (int i = 0; i < 2; i++) {
            float2 s = sharedFloat2(k.cumulative + (tile * 16 + i * 8 + l.pair * 2) * 4);
            float factor[4] = {exp2Approx(s.x - k.upper), exp2Approx(s.y - k.upper), exp2Approx(s.x - k.lower),
                               exp2Approx(s.y - k.lower)};
            float w[4];
#pragma unroll
            for (int q = 0; q < 4; q++) {
                int later = i * 8 + l.pair * 2 + (q & 1) - l.row - (q >> 1) * 8;
                bool diagonal = ahead == 0;
                if (diagonal && later == 0) skipGradient += e[i][q];
                g[i][q] *= factor[q];
                if (diagonal && later < 0) {
                    g[i][q] = 0;
                    factor[q] = 0;
                }
                w[q] = diagonal && later <= 0 ? 0.0f : g[i][q] * e[i][q];
                e[i][q] *= factor[q];
                if (diagonal && later < 0) e[i][q] = 0;
            }
            columnSum.x += w[0] + w[1];
            columnSum.y += w[2] + w[3];
            pairs[2 * i] = w[0] + w[2];
            pairs[2 * i + 1] = w[1] + w[3];
        }
        unsigned m[1][4];
        toOperand(m, g);
        addProductRows<X_TILES, 1>(dx, m, dyLow + tile * 16 * X_ROW * 2, X_ROW);
        toOperand(m, e);
        addProductRows<N_TILES, 1>(db, m, cLow + tile * 16 * N_ROW * 2, N_ROW);
        storeSumsOfColumns(pairs, k.sums + k.rowGroup * DECAY_BYTES, tile, l);
    }
    columnSum = quadSums(columnSum);
    if (l.pair == 0) {
        storeShared(k.sums + COLUMN_SUMS + (k.firstRow + l.row) * 4, columnSum.x);
        storeShared(k.sums + COLUMN_SUMS + (k.firstRow + l.row + 8) * 4, columnSum.y);
    }
}

// dc: this warp's rows are the writing steps t. E is formed again, transposed: cheaper than a trip of the first one
// through shared memory with its barrier.
__device__ __forceinline__ void gradientOfWriting(float (&dc)[N_TILES][4], const Chunk &k, const Lanes &l) {
    const unsigned xTile = k.stage, bTile = k.stage + B_TILE, cTile = k.stage + C_TILE, dyTile = k.stage + DY_TILE;
    unsigned dyRows[P / 16][4];
    loadRows<P / 16>(dyRows, l.low(dyTile, X_ROW) + k.firstRow * X_ROW * 2);
    clear<N_TILES>(dc);
    addProductRows<N_TILES, P / 16>(dc, dyRows, l.low(k.stage + PREVIOUS, N_ROW), N_ROW);
    scaleRows<N_TILES>(dc, exp2Approx(k.upper), exp2Approx(k.lower));
    const unsigned outgoing = k.sums + OUTGOING;
    const float2 i = rowProducts<N_TILES>(dc, cTile + k.firstRow * N_ROW * 2, N_ROW, l);
    storeOfRows(outgoing, i, k, l);
    const unsigned xHigh = l.high(xTile, X_ROW);
    const unsigned bLow = l.low(bTile, N_ROW);
#pragma unroll 1
    for (int tile = 0; tile < ROW_GROUPS; tile++) {
        if (tile > k.rowGroup) break;
        float e[2][4];
        clear<2>(e);
        addProduct<2, P / 16>(e, dyRows, xHigh + tile * 16 * X_ROW * 2, X_ROW);
        decay(e, k.cumulative, tile, k.upper, k.lower, tile == k.rowGroup, l);
        unsigned m[1][4];
        toOperand(m, e);
        addProductRows<N_TILES, 1>(dc, m, bLow + tile * 16 * N_ROW * 2, N_ROW);
    }
}

// The decay gradient of one chunk from the sums its warps left; one warp, two steps a lane.
__device__ __forceinline__ void storeDecayGradient(
    float *dLogDecay, unsigned sums, int firstStep, int time, int heads, int lane) {
    float base = 0;
#pragma unroll
    for (int w = 0; w < WARPS; w++) base += sharedFloat(sums + BOUNDARY + w * 4);
    float suffix[2], prefix[2];
#pragma unroll
    for (int e = 0; e < 2; e++) {
        int t = lane * 2 + e;
        float pairs = -sharedFloat(sums + COLUMN_SUMS + t * 4);
#pragma unroll
        for (int g = 0; g < ROW_GROUPS; g++) {
            float rowSum = sharedFloat(sums + g * DECAY_BYTES + t * 4);
            // A row group wrote only the steps at or after its own.
            if (g <= t / 16) pairs += rowSum;
        }
        suffix[e] = pairs + sharedFloat(sums + OUTGOING + t * 4);
        prefix[e] = sharedFloat(sums + INCOMING + t * 4);
    }
    float after = suffix[0] + suffix[1];
    float before = prefix[0] + prefix[1];
#pragma unroll
    for (int d = 1; d < WARP; d <<= 1) {
        float fromAfter = __shfl_down_sync(ALL_LANES, after, d);
        float fromBefore = __shfl_up_sync(ALL_LANES, before, d);
        if (lane + d < WARP) after += fromAfter;
        if (lane >= d) before += fromBefore;
    }
    float laterAfter = __shfl_down_sync(ALL_LANES, after, 1);
    float earlierBefore = __shfl_up_sync(ALL_LANES, before, 1);
    if (lane == 31) laterAfter = 0;
    if (lane == 0) earlierBefore = 0;
    int step = firstStep + lane * 2;
    if (step < time) dLogDecay[(Size)step * heads] = base + after + earlierBefore;
    if (step + 1 < time)
        dLogDecay[(Size)(step + 1) * heads] = base + laterAfter + suffix[1] + earlierBefore + prefix[0];
}

template <int ROLE>
__device__ __forceinline__ void backward(
    const Bf16 *x, const Bf16 *b, const Bf16 *c, const float *logDecay, const float *skip, const Bf16 *chunkStates,
    const Bf16 *dy, const float *dFinalState, Bf16 *dx, Bf16 *db, Bf16 *dc, float *dbHeads, float *dcHeads,
    float *dLogDecay, float *dInitialState, float *dSkipParts, int time, int heads, int groups) {
    constexpr bool READS_STATE = ROLE == 0;
    constexpr bool CARRIES_STATE = ROLE == ROLES - 1;
    const unsigned shared = sharedAddress(sharedBytes);
    const Lanes l;
    const int warp = threadIdx.x / WARP % WARPS;
    const int batch = blockIdx.x / heads;
    const int head = blockIdx.x % heads;
    const int group = head / (heads / groups);
    // As in the forward pass: equal work for the four schedulers of a multiprocessor.
    const int rowGroup = blockIdx.x >= gridDim.x / 2 ? ROW_GROUPS - 1 - warp % ROW_GROUPS : warp % ROW_GROUPS;
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
