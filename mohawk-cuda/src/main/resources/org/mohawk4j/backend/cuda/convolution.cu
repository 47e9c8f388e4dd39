// Depthwise causal convolution: y[b,t,c] = bias[c] + sum over k of weight[c,k] x[b, t-K+1+k, c]; x [B,T,C], weight
// [C,K]. A thread takes a channel and a stretch of time, along which it keeps the last K numbers: each array is read
// once, and neighbouring threads take neighbouring channels. Gradients by weight and bias are summed over stretches
// first, [B·stretches, C, K] and [B·stretches, C], and over those after, always in the same order.
// What is on y's side may lie in parts, [B,T,width] each, of neighbouring channels.
// TAPS is K, CHANNELS the neighbouring channels of a thread: 1, or 4 where memory allows.

#include "common.cuh"

struct Parts {
    Size until[4]; // the first channel after each part
    Size at[4];
};

// Where a thread's channels of a sequence lie in their part.
template <typename T>
struct PartOf {
    T *from;
    Size width;

    __device__ inline PartOf(const Parts &parts, Size channel, Size sequence, Size time) {
        int part = 0;
        while (channel >= parts.until[part]) part++;
        Size first = part == 0 ? 0 : parts.until[part - 1];
        width = parts.until[part] - first;
        from = (T *)parts.at[part] + sequence * time * width + channel - first;
    }
};

struct Stretch {
    Size channel; // the first
    Size part;    // of all stretches of all sequences
    Size sequence;
    Size base;    // of this channel in this sequence
    Size from;
    Size to;
};

__device__ inline Stretch stretchOf(Size i, Size time, Size channels, Size length) {
    Stretch s;
    Size across = channels / CHANNELS;
    Size stretches = (time + length - 1) / length;
    s.channel = remainder(i, across) * CHANNELS;
    s.part = quotient(i, across);
    s.sequence = quotient(s.part, stretches);
    s.base = s.sequence * time * channels + s.channel;
    s.from = remainder(s.part, stretches) * length;
    s.to = s.from + length < time ? s.from + length : time;
    return s;
}

// The last TAPS numbers of each channel.
template <typename C>
struct Window {
    Four<C> seen[TAPS];

    __device__ inline void push(const Four<C> &next) {
#pragma unroll
        for (int k = 0; k + 1 < TAPS; k++) seen[k] = seen[k + 1];
        seen[TAPS - 1] = next;
    }
};

template <typename C>
__device__ inline void loadTaps(Four<C> *taps, const C *weight, Size channel) {
#pragma unroll
    for (int k = 0; k < TAPS; k++)
#pragma unroll
        for (int c = 0; c < CHANNELS; c++) taps[k].at[c] = weight[(channel + c) * TAPS + k];
}

template <typename C>
__device__ inline Four<C> weighted(const Four<C> *taps, const Window<C> &window, Four<C> sum) {
#pragma unroll
    for (int k = 0; k < TAPS; k++)
#pragma unroll
        for (int c = 0; c < CHANNELS; c++) sum.at[c] += taps[k].at[c] * window.seen[k].at[c];
    return sum;
}

template <typename T>
__device__ inline void convolution(
    const T *__restrict__ x, const Compute<T> *__restrict__ weight, const Compute<T> *__restrict__ bias,
    const Parts &parts, Size threads, Size time, Size channels, Size length) {
    typedef Compute<T> C;
    EACH(i, threads) {
        Stretch s = stretchOf(i, time, channels, length);
        PartOf<T> y(parts, s.channel, s.sequence, time);
        Four<C> taps[TAPS], shift = {};
        Window<C> window;
        loadTaps(taps, weight, s.channel);
#pragma unroll
        for (int k = 0; k < TAPS; k++) {
            Size before = s.from - TAPS + k;
            window.seen[k] = before >= 0 ? getColumns<CHANNELS>(x, s.base + before * channels) : Four<C>{};
        }
        for (int c = 0; c < CHANNELS; c++) shift.at[c] = bias[s.channel + c];
#pragma unroll 8
        for (Size t = s.from; t < s.to; t++) {
            window.push(getColumns<CHANNELS>(x, s.base + t * channels));
            putColumns<CHANNELS>(y.from, t * y.width, weighted(taps, window, shift));
        }
    }
}

// dx[t] = sum over k of weight[k] dy[t+K-1-k]: the same, backwards in time.
template <typename G, typename T>
__device__ inline void convolutionInputGradient(
    const Parts &parts, const Compute<T> *__restrict__ weight, T *__restrict__ dx, Size threads, Size time,
    Size channels, Size length) {
    typedef Compute<T> C;
    EACH(i, threads) {
        Stretch s = stretchOf(i, time, channels, length);
        PartOf<const G> dy(parts, s.channel, s.sequence, time);
        Four<C> taps[TAPS];
        Window<C> window;
        loadTaps(taps, weight, s.channel);
#pragma unroll
        for (int k = 0; k < TAPS; k++) {
            Size after = s.to + TAPS - 1 - k;
            window.seen[k] = after < time ? getColumns<CHANNELS>(dy.from, after * dy.width) : Four<C>{};
        }
#pragma unroll 8
        for (Size t = s.to - 1; t >= s.from; t--) {
            window.push(getColumns<CHANNELS>(dy.from, t * dy.width));
            putColumns<CHANNELS>(dx, s.base + t * channels, weighted(taps, window, Four<C>{}));
        }
    }
}

template <typename G, typename T>
__device__ inline void convolutionWeightGradient(
    const Parts &parts, const T *__restrict__ x, Compute<T> *__restrict__ dWeight, Compute<T> *__restrict__ dBias,
    Size threads, Size time, Size channels, Size length) {
    typedef Compute<T> C;
    EACH(i, threads) {
        Stretch s = stretchOf(i, time, channels, length);
        PartOf<const G> dy(parts, s.channel, s.sequence, time);
        Four<C> sums[TAPS] = {}, total = {};
        Window<C> window;
#pragma unroll
        for (int k = 0; k < TAPS; k++) {
            Size before = s.from - TAPS + k;
            window.seen[k] = before >= 0 ? getColumns<CHANNELS>(x, s.base + before * channels) : Four<C>{};
        }
#pragma unroll 8
        for (Size t = s.from; t < s.to; t++) {
            Four<C> g = getColumns<CHANNELS>(dy.from, t * dy.width);
            window.push(getColumns<CHANNELS>(x, s.base + t * channels));
#pragma unroll
            for (int c = 0; c < CHANNELS; c++) {
                total.at[c] += g.at[c];
#pragma unroll
                for (int k = 0; k < TAPS; k++) sums[k].at[c] += g.at[c] * window.seen[k].at[c];
            }
        }
        Size first = s.part * channels + s.channel;
#pragma unroll
        for (int c = 0; c < CHANNELS; c++) {
#pragma unroll
            for (int k = 0; k < TAPS; k++) dWeight[(first + c) * TAPS + k] = sums[k].at[c];
            dBias[first + c] = total.at[c];
        }
    }
}

#define FORWARD(T, suffix)                                                                                             \
    extern "C" __global__ void convolution_##suffix(                                                                   \
        const T *x, const Compute<T> *weight, const Compute<T> *bias, Parts parts, Size threads, Size time,            \
        Size channels, Size length) {                                                                                  \
        convolution(x, weight, bias, parts, threads, time, channels, length);                                          \
    }

#define BACKWARD(G, g, T, suffix)                                                                                      \
    extern "C" __global__ void convolution_input_gradient_##g##_##suffix(                                              \
        Parts parts, const Compute<T> *weight, T *dx, Size threads, Size time, Size channels, Size length) {           \
        convolutionInputGradient<G>(parts, weight, dx, threads, time, channels, length);                               \
    }                                                                                                                  \
    extern "C" __global__ void convolution_weight_gradient_##g##_##suffix(                                             \
        Parts parts, const T *x, Compute<T> *dWeight, Compute<T> *dBias, Size threads, Size time, Size channels,       \
        Size length) {                                                                                                 \
        convolutionWeightGradient<G>(parts, x, dWeight, dBias, threads, time, channels, length);                       \
    }

FOR_ACTIVATIONS(FORWARD)
FOR_PAIRS(BACKWARD)
