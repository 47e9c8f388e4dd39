// The semiseparable product; shapes and notation are in semiseparable.cuh.
//
//   y_t     = sum_r L_tr (c_t . b_r) x_r + exp(s_t) S_prev c_t
//   S_next  = exp(s_Q) S_prev + sum_r exp(s_Q - s_r) x_r b_r^T
//
// Bytes at batch 8, time 2048, heads = groups = 32, P = N = 64 (one tensor is 67 MB): 4 tensors, 268 MB, and 67 MB more
// when the chunk states are saved. FLOPs: 4 products of 64^3 multiply-adds a chunk of a head, that with L at 10/16 of
// it: 14 GFLOP at this size.

#include "semiseparable_state.cuh"

constexpr int ROLES = 2;
constexpr int THREADS = ROLE_THREADS * ROLES;

// A stage holds what one chunk reads: x, b, c and the decay. Offsets in bytes.
constexpr int B_TILE = X_TILE_BYTES;
constexpr int C_TILE = B_TILE + N_TILE_BYTES;
constexpr int DECAY = C_TILE + N_TILE_BYTES;
constexpr int STAGE_BYTES = DECAY + DECAY_BYTES;
constexpr int FIXED = 2 * STATE_TILE_BYTES + 2 * DECAY_BYTES;
constexpr int STAGES = 3 * STAGE_BYTES + FIXED <= MOST_SHARED_BYTES_OF_TWO_BLOCKS ? 3
    : 2 * STAGE_BYTES + FIXED <= MOST_SHARED_BYTES                                ? 2
                                                                            : 1;
constexpr int STATES = STAGES * STAGE_BYTES;
constexpr int CUMULATIVE = STATES + 2 * STATE_TILE_BYTES;
constexpr int SHARED_BYTES = CUMULATIVE + 2 * DECAY_BYTES;

template <int ROLE>
__device__ __forceinline__ void forward(
    const Bf16 *x, const Bf16 *b, const Bf16 *c, const float *logDecay, const float *initialState, const float *skip,
    Bf16 *y, float *finalState, Bf16 *chunkStates, int time, int heads, int groups) {
    constexpr bool DOES_OUTPUT = ROLE == 0;
    constexpr bool CARRIES_STATE = ROLE == ROLES - 1;
    constexpr int TILES = P / 8;
    const unsigned shared = sharedAddress(sharedBytes);
    const Lanes l;
    const auto [warp, batch, head, group, rowGroup] = Work(heads, groups);
    const bool scanner = rowGroup == 0 && CARRIES_STATE;
    const int chunks = (time + CHUNK - 1) / CHUNK;
    const Size xStride = (Size)heads * P;
    const Size nStride = (Size)groups * N;
    x += (Size)batch * time * xStride + head * P;
    if (y != nullptr) y += (Size)batch * time * xStride + head * P;
    b += (Size)batch * time * nStride + group * N;
    c += (Size)batch * time * nStride + group * N;
    logDecay += (Size)batch * time * heads + head;
    const Size stateOffset = (Size)blockIdx.x * P * N;
    if (chunkStates != nullptr) chunkStates += stateOffset * chunks;
    const float skipFactor = skip != nullptr ? skip[head] : 0.0f;

    auto prefetch = [&](int chunk) {
        if (chunk < chunks) {
            unsigned stage = shared + (chunk % STAGES) * STAGE_BYTES;
            Size first = (Size)chunk * CHUNK;
            int valid = min(CHUNK, time - chunk * CHUNK);
            loadTile<CHUNK, P, THREADS>(stage, x + first * xStride, xStride, valid);
            loadTile<CHUNK, N, THREADS>(stage + B_TILE, b + first * nStride, nStride, valid);
            if (y != nullptr) loadTile<CHUNK, N, THREADS>(stage + C_TILE, c + first * nStride, nStride, valid);
            if (scanner) loadDecay(stage + DECAY, logDecay, first, heads, valid, l.lane);
        }
        commitCopies();
    };

#pragma unroll
    for (int i = 0; i < STAGES - 1; i++) prefetch(i);

    State state(warp);
    if constexpr (CARRIES_STATE) state.load(initialState != nullptr ? initialState + stateOffset : nullptr, l);
#pragma unroll 1
    for (int chunk = 0; chunk < chunks; chunk++) {
        const unsigned stage = shared + (chunk % STAGES) * STAGE_BYTES;
        const unsigned stateTile = shared + STATES + (chunk & 1) * STATE_TILE_BYTES;
        const unsigned cumulative = shared + CUMULATIVE + (chunk & 1) * DECAY_BYTES;
        if constexpr (STAGES == 1) {
            blockBarrier<THREADS>();
            prefetch(chunk);
        }
        if constexpr (CARRIES_STATE) {
            state.toShared(stateTile, l);
            if (chunkStates != nullptr) state.store(chunkStates + (Size)chunk * P * N, l);
        }
        waitCopies<(STAGES > 1 ? STAGES - 2 : 0)>();
        if (scanner) scanDecay(stage + DECAY, cumulative, l.lane);
        // The only barrier of a chunk: the stage has arrived, the state is written, and everyone has left the stage
        // and the other state tile of the chunk before, which are overwritten from here on.
        blockBarrier<THREADS>();
        if constexpr (STAGES > 1) prefetch(chunk + STAGES - 1);
        const float last = sharedFloat(cumulative + (CHUNK - 1) * 4);

        if (DOES_OUTPUT && y != nullptr) {
            const int firstRow = rowGroup * 16;
            const float upper = sharedFloat(cumulative + (firstRow + l.row) * 4);
            const float lower = sharedFloat(cumulative + (firstRow + l.row + 8) * 4);
            unsigned cRows[N / 16][4];
            loadRows<N / 16>(cRows, l.low(stage + C_TILE, N_ROW) + firstRow * N_ROW * 2);
            float out[TILES][4];
            clear<TILES>(out);
            addProduct<TILES, N / 16>(out, cRows, l.high(stateTile, N_ROW), N_ROW);
            scaleRows<TILES>(out, exp2Approx(upper), exp2Approx(lower));
            const unsigned bHigh = l.high(stage + B_TILE, N_ROW);
            const unsigned xLow = l.low(stage, X_ROW);
#pragma unroll
            for (int j = 0; j < ROW_GROUPS; j++) {
                if (j <= rowGroup) {
                    float g[2][4];
                    clear<2>(g);
                    addProduct<2, N / 16>(g, cRows, bHigh + j * 16 * N_ROW * 2, N_ROW);
                    decay(g, cumulative, j, upper, lower, j == rowGroup, l);
                    unsigned m[1][4];
                    toOperand(m, g);
                    addProductRows<TILES, 1>(out, m, xLow + j * 16 * X_ROW * 2, X_ROW);
                }
            }
            if (skip != nullptr) addScaled<TILES>(out, skipFactor, stage + firstRow * X_ROW * 2, X_ROW, l);
            const int firstStep = chunk * CHUNK + firstRow;
            storeTile<TILES>(y + firstStep * xStride, xStride, out, l, time - firstStep);
        }
        if constexpr (CARRIES_STATE) state.advance<true>(stage, stage + B_TILE, cumulative, last, l);
    }
    if constexpr (CARRIES_STATE) state.store(finalState != nullptr ? finalState + stateOffset : nullptr, l);
    waitCopies<0>();
}

// Grid batch * heads. May be null: initialState (zeros), skip, y (states only: a backward pass may recompute
// chunkStates that way instead of keeping them), finalState, chunkStates.
extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS) semiseparable_forward(
    const Bf16 *__restrict__ x, const Bf16 *__restrict__ b, const Bf16 *__restrict__ c,
    const float *__restrict__ logDecay, const float *__restrict__ initialState, const float *__restrict__ skip,
    Bf16 *__restrict__ y, float *__restrict__ finalState, Bf16 *__restrict__ chunkStates, int time, int heads,
    int groups) {
    if (threadIdx.x < ROLE_THREADS) {
        forward<0>(x, b, c, logDecay, initialState, skip, y, finalState, chunkStates, time, heads, groups);
    } else {
        forward<ROLES - 1>(x, b, c, logDecay, initialState, skip, y, finalState, chunkStates, time, heads, groups);
    }
}

// What a launch needs: threads and dynamic shared memory.
extern "C" __device__ int semiseparableForwardSizes[2] = {THREADS, SHARED_BYTES};
