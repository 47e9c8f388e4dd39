// Depthwise causal convolution: y[b,t,c] = bias[c] + sum over k of weight[c,k] x[b, t-K+1+k, c]; x [B,T,C], weight
// [C,K]. A thread takes a channel and a stretch of time, along which it keeps the last K numbers: each array is read
// once, and neighbouring threads take neighbouring channels. Gradients by weight and bias are summed over stretches
// first, [B·stretches, C, K] and [B·stretches, C], and over those after, always in the same order.
// TAPS is K.

struct Stretch {
    Size channel;
    Size part;   // of all stretches of all sequences
    Size base;   // of this channel in this sequence
    Size from;
    Size to;
};

__device__ inline Stretch stretchOf(Size i, Size time, Size channels, Size length) {
    Stretch s;
    Size stretches = (time + length - 1) / length;
    s.channel = remainder(i, channels);
    s.part = quotient(i, channels);
    s.base = quotient(s.part, stretches) * time * channels + s.channel;
    s.from = remainder(s.part, stretches) * length;
    s.to = s.from + length < time ? s.from + length : time;
    return s;
}

#define CONVOLUTION(T, suffix)                                                                                         \
    extern "C" __global__ void convolution_##suffix(                                                                   \
        const T *x, const T *weight, const T *bias, T *y, Size threads, Size time, Size channels, Size length) {       \
        EACH(i, threads) {                                                                                             \
            Stretch s = stretchOf(i, time, channels, length);                                                          \
            T taps[TAPS], seen[TAPS];                                                                                  \
            _Pragma("unroll") for (int k = 0; k < TAPS; k++) {                                                         \
                taps[k] = weight[s.channel * TAPS + k];                                                                \
                Size before = s.from - TAPS + k;                                                                       \
                seen[k] = before >= 0 ? x[s.base + before * channels] : T(0);                                          \
            }                                                                                                          \
            T shift = bias[s.channel];                                                                                 \
            for (Size t = s.from; t < s.to; t++) {                                                                     \
                T sum = shift;                                                                                         \
                _Pragma("unroll") for (int k = 0; k + 1 < TAPS; k++) seen[k] = seen[k + 1];                            \
                seen[TAPS - 1] = x[s.base + t * channels];                                                             \
                _Pragma("unroll") for (int k = 0; k < TAPS; k++) sum += taps[k] * seen[k];                             \
                y[s.base + t * channels] = sum;                                                                        \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    /* dx[t] = sum over k of weight[k] dy[t+K-1-k]: the same, backwards in time */                                     \
    extern "C" __global__ void convolution_input_gradient_##suffix(                                                    \
        const T *dy, const T *weight, T *dx, Size threads, Size time, Size channels, Size length) {                    \
        EACH(i, threads) {                                                                                             \
            Stretch s = stretchOf(i, time, channels, length);                                                          \
            T taps[TAPS], seen[TAPS];                                                                                  \
            _Pragma("unroll") for (int k = 0; k < TAPS; k++) {                                                         \
                taps[k] = weight[s.channel * TAPS + k];                                                                \
                Size after = s.to + TAPS - 1 - k;                                                                      \
                seen[k] = after < time ? dy[s.base + after * channels] : T(0);                                         \
            }                                                                                                          \
            for (Size t = s.to - 1; t >= s.from; t--) {                                                                \
                T sum = T(0);                                                                                          \
                _Pragma("unroll") for (int k = 0; k + 1 < TAPS; k++) seen[k] = seen[k + 1];                            \
                seen[TAPS - 1] = dy[s.base + t * channels];                                                            \
                _Pragma("unroll") for (int k = 0; k < TAPS; k++) sum += taps[k] * seen[k];                             \
                dx[s.base + t * channels] = sum;                                                                       \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    extern "C" __global__ void convolution_weight_gradient_##suffix(                                                   \
        const T *dy, const T *x, T *dWeight, T *dBias, Size threads, Size time, Size channels, Size length) {          \
        EACH(i, threads) {                                                                                             \
            Stretch s = stretchOf(i, time, channels, length);                                                          \
            T sums[TAPS], seen[TAPS];                                                                                  \
            T total = T(0);                                                                                            \
            _Pragma("unroll") for (int k = 0; k < TAPS; k++) {                                                         \
                sums[k] = T(0);                                                                                        \
                Size before = s.from - TAPS + k;                                                                       \
                seen[k] = before >= 0 ? x[s.base + before * channels] : T(0);                                          \
            }                                                                                                          \
            for (Size t = s.from; t < s.to; t++) {                                                                     \
                T g = dy[s.base + t * channels];                                                                       \
                _Pragma("unroll") for (int k = 0; k + 1 < TAPS; k++) seen[k] = seen[k + 1];                            \
                seen[TAPS - 1] = x[s.base + t * channels];                                                             \
                _Pragma("unroll") for (int k = 0; k < TAPS; k++) sums[k] += g * seen[k];                               \
                total += g;                                                                                            \
            }                                                                                                          \
            _Pragma("unroll") for (int k = 0; k < TAPS; k++)                                                           \
                dWeight[(s.part * channels + s.channel) * TAPS + k] = sums[k];                                         \
            dBias[s.part * channels + s.channel] = total;                                                              \
        }                                                                                                              \
    }

FOR_FLOATING(CONVOLUTION)
