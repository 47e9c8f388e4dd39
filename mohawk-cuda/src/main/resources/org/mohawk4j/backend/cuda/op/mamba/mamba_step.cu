// One position of discrete Mamba-2 between its projections; projected [B, W] is x, B, C, z, A_log in a row. A block takes
// some of the P entries of a head: the convolution of what they need, then S = exp(-softplus(a)) S + x bᵀ and
// y = (S c + skip x) silu(z + bias).
//
// History [B, K-1, D + 2GN] moves on by one. An entry's is read by its block alone, but B and C of a group are read by
// all blocks of its heads: the last of them to have read moves theirs. tickets [B, G] counts them, zero before and after.

#include "common.cuh"

template <typename T>
struct Convolution {
    typedef Compute<T> C;
    const T *projected;
    const C *weight;
    const C *bias;
    C *history;
    Size channels;
    int taps;

    __device__ inline C at(Size channel) const {
        C sum = bias[channel];
        for (int k = 0; k + 1 < taps; k++) sum += weight[channel * taps + k] * history[k * channels + channel];
        return sum + weight[channel * taps + taps - 1] * get(projected, channel);
    }

    // All that it takes but the input.
    __device__ inline void prefetchL2(Size channel) const {
        ::prefetchL2(bias + channel);
        ::prefetchL2(weight + channel * taps);
        for (int k = 0; k + 1 < taps; k++) ::prefetchL2(history + k * channels + channel);
    }

    __device__ inline void moveOn(Size channel) const {
        C *own = history + channel;
        for (int k = 0; k + 2 < taps; k++) own[k * channels] = own[(k + 1) * channels];
        own[(taps - 2) * channels] = get(projected, channel);
    }
};

template <typename T>
__device__ inline void step(
    const T *projected, const Compute<T> *convWeight, const Compute<T> *convBias, Compute<T> *history, int *tickets,
    const Compute<T> *skips, const Compute<T> *zBias, Compute<T> *states, T *y, int heads, int groups, int headDim,
    int stateSize, int taps, int entries) {
    typedef Compute<T> C;
    extern __shared__ __align__(16) char memory[];
    __shared__ bool last;
    launchDependents();
    int head = blockIdx.x;
    int group = head / (heads / groups);
    Size b = blockIdx.z;
    int from = blockIdx.y * entries;
    int own = headDim - from < entries ? headDim - from : entries;
    Size d = (Size)heads * headDim;
    Size grouped = (Size)groups * stateSize;
    Size channels = d + 2 * grouped;
    Size width = channels + d + heads;
    Size entry = (Size)head * headDim + from;
    C *state = states + (b * d + entry) * stateSize;
    const T *in = projected + b * width;
    Convolution<T> convolution = {in, convWeight, convBias, history + b * (taps - 1) * channels, channels, taps};
    C *numbers = (C *)memory;
    const C *bs = numbers;
    const C *cs = bs + stateSize;
    const C *xs = cs + stateSize;
    // the channels of B, of C, and of x that this block needs, in a line
    Size firstB = d + (Size)group * stateSize;
    int shared = 2 * stateSize;
    auto channel = [&](int i) {
        return i < stateSize ? firstB + i : i < shared ? firstB + grouped + i - stateSize : entry + i - shared;
    };
    for (int i = threadIdx.x; i < shared + own; i += blockDim.x) convolution.prefetchL2(channel(i));
    for (Size i = threadIdx.x * (Size)32; i < (Size)own * stateSize; i += blockDim.x * 32) prefetchL2(state + i);
    gridDependencySync();
    for (int i = threadIdx.x; i < shared + own; i += blockDim.x) {
        numbers[i] = convolution.at(channel(i));
        if (i >= shared) convolution.moveOn(channel(i));
    }
    __syncthreads();
    int readers = heads / groups * gridDim.y;
    int *ticket = tickets + b * groups + group;
    if (threadIdx.x == 0) {
        __threadfence();
        last = atomicAdd(ticket, 1) == readers - 1;
    }
    C a = get(in, channels + d + head);
    C softplus = a > C(0) ? a + log1p(exp(-a)) : log1p(exp(a));
    C decay = exp(-softplus);
    int lane = threadIdx.x % WARP;
    for (int p = threadIdx.x / WARP; p < own; p += blockDim.x / WARP) {
        C value = xs[p];
        C sum = C(0);
        for (int n = lane; n < stateSize; n += WARP) {
            C s = decay * state[(Size)p * stateSize + n] + value * bs[n];
            state[(Size)p * stateSize + n] = s;
            sum += s * cs[n];
        }
        sum = combineWarp(SUM, sum);
        if (lane == 0) {
            C z = get(in, channels + entry + p) + zBias[entry + p];
            put(y, b * d + entry + p, (sum + skips[head] * value) * z / (C(1) + exp(-z)));
        }
    }
    __syncthreads();
    if (last) {
        for (int i = threadIdx.x; i < shared; i += blockDim.x) convolution.moveOn(channel(i));
        if (threadIdx.x == 0) *ticket = 0;
    }
}

#define MAMBA_STEP(T, suffix)                                                                                          \
    extern "C" __global__ void mamba_step_##suffix(                                                                    \
        const T *projected, const Compute<T> *convWeight, const Compute<T> *convBias, Compute<T> *history,             \
        int *tickets, const Compute<T> *skips, const Compute<T> *zBias, Compute<T> *states, T *y, int heads,           \
        int groups, int headDim, int stateSize, int taps, int entries) {                                               \
        step(projected, convWeight, convBias, history, tickets, skips, zBias, states, y, heads, groups, headDim,       \
             stateSize, taps, entries);                                                                                \
    }

FOR_ACTIVATIONS(MAMBA_STEP)
