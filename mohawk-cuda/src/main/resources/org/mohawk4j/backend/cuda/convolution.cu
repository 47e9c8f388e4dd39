// Depthwise causal convolution: y[b,t,c] = bias[c] + sum over k of weight[c,k] x[b, t-K+1+k, c]; x [B,T,C], weight
// [C,K]. A thread takes a channel and a stretch of time, along which it keeps the last K numbers: each array is read
// once, and neighbouring threads take neighbouring channels. Gradients by weight and bias are summed over stretches
// first, [B·stretches, C, K] and [B·stretches, C], and over those after, always in the same order.
// TAPS is K, CHANNELS the neighbouring channels of a thread: 1, or 4 where memory allows.

struct Stretch {
    Size channel; // the first
    Size part;    // of all stretches of all sequences
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
    s.base = quotient(s.part, stretches) * time * channels + s.channel;
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
    T *__restrict__ y, Size threads, Size time, Size channels, Size length) {
    typedef Compute<T> C;
    EACH(i, threads) {
        Stretch s = stretchOf(i, time, channels, length);
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
            putColumns<CHANNELS>(y, s.base + t * channels, weighted(taps, window, shift));
        }
    }
}

// dx[t] = sum over k of weight[k] dy[t+K-1-k]: the same, backwards in time.
template <typename G, typename T>
__device__ inline void convolutionInputGradient(
    const G *__restrict__ dy, const Compute<T> *__restrict__ weight, T *__restrict__ dx, Size threads, Size time,
    Size channels, Size length) {
    typedef Compute<T> C;
    EACH(i, threads) {
        Stretch s = stretchOf(i, time, channels, length);
        Four<C> taps[TAPS];
        Window<C> window;
        loadTaps(taps, weight, s.channel);
#pragma unroll
        for (int k = 0; k < TAPS; k++) {
            Size after = s.to + TAPS - 1 - k;
            window.seen[k] = after < time ? getColumns<CHANNELS>(dy, s.base + after * channels) : Four<C>{};
        }
#pragma unroll 8
        for (Size t = s.to - 1; t >= s.from; t--) {
            window.push(getColumns<CHANNELS>(dy, s.base + t * channels));
            putColumns<CHANNELS>(dx, s.base + t * channels, weighted(taps, window, Four<C>{}));
        }
    }
}

template <typename G, typename T>
__device__ inline void convolutionWeightGradient(
    const G *__restrict__ dy, const T *__restrict__ x, Compute<T> *__restrict__ dWeight, Compute<T> *__restrict__ dBias,
    Size threads, Size time, Size channels, Size length) {
    typedef Compute<T> C;
    EACH(i, threads) {
        Stretch s = stretchOf(i, time, channels, length);
        Four<C> sums[TAPS] = {}, total = {};
        Window<C> window;
#pragma unroll
        for (int k = 0; k < TAPS; k++) {
            Size before = s.from - TAPS + k;
            window.seen[k] = before >= 0 ? getColumns<CHANNELS>(x, s.base + before * channels) : Four<C>{};
        }
#pragma unroll 8
        for (Size t = s.from; t < s.to; t++) {
            Four<C> g = getColumns<CHANNELS>(dy, s.base + t * channels);
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
        const T *x, const Compute<T> *weight, const Compute<T> *bias, T *y, Size threads, Size time, Size channels,    \
        Size length) {                                                                                                 \
        convolution(x, weight, bias, y, threads, time, channels, length);                                              \
    }

#define BACKWARD(G, g, T, suffix)                                                                                      \
    extern "C" __global__ void convolution_input_gradient_##g##_##suffix(                                              \
        const G *dy, const Compute<T> *weight, T *dx, Size threads, Size time, Size channels, Size length) {           \
        convolutionInputGradient(dy, weight, dx, threads, time, channels, length);                                     \
    }                                                                                                                  \
    extern "C" __global__ void convolution_weight_gradient_##g##_##suffix(                                             \
        const G *dy, const T *x, Compute<T> *dWeight, Compute<T> *dBias, Size threads, Size time, Size channels,       \
        Size length) {                                                                                                 \
        convolutionWeightGradient(dy, x, dWeight, dBias, threads, time, channels, length);                             \
    }

FOR_ACTIVATIONS(FORWARD)
FOR_PAIRS(BACKWARD)
