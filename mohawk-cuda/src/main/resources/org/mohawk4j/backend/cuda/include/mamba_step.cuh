// One position of discrete Mamba-2 between its projections. projected [B, W] holds x, B, C, z, A_log in a row. A job is some
// of the P entries of one head of one sequence: the convolution of the channels that they need, then
// S = exp(-softplus(a)) S + x bᵀ and y = (S c + skip x) silu(z + bias).
//
// The convolution's history [B, K-1, D + 2GN] moves on by one. Only one job reads the history of an entry. All jobs of a
// group read that of its B and C, which moves on after all of them have.

#pragma once

#include "common.cuh"

// Array sizes are 64 bits wide because a host's table holds it.
template <typename T>
struct MambaStep {
    typedef Compute<T> C;
    const T *projected;
    const C *convWeight;
    const C *convBias;
    C *history;
    const C *skips;
    const C *zBias;
    C *states;
    T *y;
    Size heads;
    Size groups;
    Size headDim;
    Size stateSize;
    Size taps;
    Size entries;

    __device__ inline Size width() const { return heads * headDim; }
    __device__ inline Size channels() const { return width() + 2 * groups * stateSize; }
    __device__ inline int jobsOfHead() const { return ((int)headDim + (int)entries - 1) / (int)entries; }
};

#define TAPS 4

// Those that do a job, the first of a block: CudaKernels.THREADS.
#define STEP_THREADS 256

// What a channel's history will be.
template <typename C>
struct Moved {
    C *to; // none if there is none
    C values[TAPS - 1];

    __device__ inline void store(Size channels, Size taps) const {
#pragma unroll
        for (int k = 0; k < TAPS - 1; k++)
            if (to && k + 1 < taps) to[k * channels] = values[k];
    }
};

// One job, by all threads of a block. What the previous operation does not write, a thread loads into registers before it
// waits: the parameters and history of its first channel, and the states of its warp's first entries.
template <typename T>
struct MambaStepJob {
    typedef Compute<T> C;
    static const int ENTRIES = 8, LANES = 4;

    const MambaStep<T> &step;
    const T *in;
    C *history;
    Size channels;
    Size entry; // of all heads' entries
    Size firstB; // channel
    Size b;
    int head;
    int stateSize;
    int own;
    C past[TAPS - 1];
    C newest;
    C weight[TAPS];
    C bias;
    C zBias;
    C skip;
    C state[ENTRIES][LANES];

    __device__ inline MambaStepJob(const MambaStep<T> &step, int head, int part, Size b)
        : step(step), channels(step.channels()), b(b), head(head), stateSize((int)step.stateSize) {
        in = step.projected + b * (channels + step.width() + step.heads);
        history = step.history + b * (step.taps - 1) * channels;
        int from = part * (int)step.entries;
        own = (int)step.headDim - from < step.entries ? (int)step.headDim - from : (int)step.entries;
        entry = head * step.headDim + from;
        firstB = step.width() + (Size)group() * stateSize;
    }

    __device__ inline int group() const { return head / ((int)step.heads / (int)step.groups); }

    // B and C of the group, then x: the channels that this job needs, in a line.
    __device__ inline int shared() const { return 2 * stateSize; }
    __device__ inline Size channel(int i) const {
        if (i < stateSize) return firstB + i;
        return i < shared() ? firstB + step.groups * stateSize + i - stateSize : entry + i - shared();
    }

    __device__ inline C *stateOf(int p) const {
        return step.states + (b * step.width() + entry + p) * stateSize;
    }

    __device__ inline void prefetchL2() const {
        for (int i = threadIdx.x; i < shared() + own; i += STEP_THREADS) {
            Size at = channel(i);
            ::prefetchL2(step.convBias + at);
            ::prefetchL2(step.convWeight + at * step.taps);
            for (int k = 0; k + 1 < step.taps; k++) ::prefetchL2(history + k * channels + at);
        }
        for (Size i = threadIdx.x * (Size)32; i < (Size)own * stateSize; i += STEP_THREADS * 32)
            ::prefetchL2(stateOf(0) + i);
    }

    __device__ inline void load() {
        int lane = threadIdx.x % WARP, p = threadIdx.x / WARP, mine = p + lane * (STEP_THREADS / WARP);
        if (threadIdx.x < shared() + own && step.taps <= TAPS) {
            Size at = channel(threadIdx.x);
            bias = step.convBias[at];
#pragma unroll
            for (int k = 0; k < TAPS; k++)
                if (k < step.taps) weight[k] = step.convWeight[at * step.taps + k];
#pragma unroll
            for (int k = 0; k + 1 < TAPS; k++)
                if (k + 1 < step.taps) past[k] = history[k * channels + at];
        }
        zBias = mine < own ? step.zBias[entry + mine] : C(0);
        skip = step.skips[head];
#pragma unroll
        for (int e = 0; e < ENTRIES; e++, p += STEP_THREADS / WARP)
#pragma unroll
            for (int j = 0; j < LANES; j++)
                if (p < own && lane + j * WARP < stateSize) state[e][j] = stateOf(p)[lane + j * WARP];
    }

    // Of the channel that was loaded; its history moves on if that is no other job's.
    __device__ inline C convolved(Size at, C x, bool moves) {
        C sum = bias;
        newest = x;
#pragma unroll
        for (int k = 0; k < TAPS; k++)
            if (k < step.taps) sum += weight[k] * (k + 1 < step.taps ? past[k < TAPS - 1 ? k : 0] : x);
        if (moves) moved(at).store(channels, step.taps);
        return sum;
    }

    __device__ inline Moved<C> moved(Size at) const {
        Moved<C> m = {history + at};
#pragma unroll
        for (int k = 0; k < TAPS - 1; k++)
            m.values[k] = k + 2 < TAPS && k + 2 < step.taps ? past[k + 2 < TAPS ? k + 1 : 0] : newest;
        return m;
    }

    // Of any channel.
    __device__ inline C convolvedFrom(Size at, C x, bool moves) const {
        C sum = step.convBias[at];
        for (int k = 0; k + 1 < step.taps; k++) sum += step.convWeight[at * step.taps + k] * history[k * channels + at];
        if (moves) moveOn(at);
        return sum + step.convWeight[at * step.taps + step.taps - 1] * x;
    }

    // After load. numbers has room for 2N + entries. History moves on for x alone.
    __device__ inline void run(C *numbers) {
        C *bs = numbers, *cs = bs + stateSize, *xs = cs + stateSize;
        int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP, warps = STEP_THREADS / WARP;
        C a = get(in, channels + step.width() + head);
        // of a warp's entry, by the lane of its number
        int mine = warp + lane * warps;
        C z = mine < own ? get(in, channels + entry + mine) : C(0);
        for (int i = threadIdx.x; i < shared() + own; i += STEP_THREADS) {
            Size at = channel(i);
            C x = get(in, at);
            bool moves = i >= shared();
            numbers[i] = i == threadIdx.x && step.taps <= TAPS ? convolved(at, x, moves) : convolvedFrom(at, x, moves);
        }
        z += zBias;
        syncFirst<STEP_THREADS>();
        C softplus = a > C(0) ? a + log1p(exp(-a)) : log1p(exp(a));
        C decay = exp(-softplus);
        for (int e = 0, p = warp; p < own; e += ENTRIES) {
#pragma unroll
            for (int k = 0; k < ENTRIES; k++, p += warps) {
                if (p >= own) break;
                C value = xs[p], sum = C(0), *row = stateOf(p);
                auto update = [&](int n, C before) {
                    C s = decay * before + value * bs[n];
                    row[n] = s;
                    sum += s * cs[n];
                };
#pragma unroll
                for (int j = 0; j < LANES; j++)
                    if (lane + j * WARP < stateSize)
                        update(lane + j * WARP, e == 0 ? state[k][j] : row[lane + j * WARP]);
                for (int n = lane + LANES * WARP; n < stateSize; n += WARP) update(n, row[n]);
                sum = combineWarp(SUM, sum);
                C gate = e + k < WARP ? __shfl_sync(ALL_LANES, z, e + k)
                                      : get(in, channels + entry + p) + step.zBias[entry + p];
                if (lane == 0)
                    put(step.y, b * step.width() + entry + p, (sum + skip * value) * gate / (C(1) + exp(-gate)));
            }
        }
        syncFirst<STEP_THREADS>();
    }

    __device__ inline void moveOn(Size at) const {
        C *of = history + at;
        for (int k = 0; k + 2 < step.taps; k++) of[k * channels] = of[(k + 1) * channels];
        of[(step.taps - 2) * channels] = get(in, at);
    }

    // Whether loaded and moved are all that the history of B and C takes.
    __device__ static inline bool holdsShared(const MambaStep<T> &step) {
        return step.taps <= TAPS && 2 * step.stateSize <= STEP_THREADS;
    }

    // That history, of this thread's channel, after run.
    __device__ inline Moved<C> movedShared() const {
        return threadIdx.x < shared() ? moved(channel(threadIdx.x)) : Moved<C>{};
    }

    __device__ inline void moveShared() const {
        for (int i = threadIdx.x; i < shared(); i += STEP_THREADS) moveOn(channel(i));
    }
};
