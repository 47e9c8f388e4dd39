// Depthwise causal convolution: y[b,t,c] = bias[c] + sum over k of weight[c,k] x[b, t-K+1+k, c]; x [B,T,C], weight
// [C,K]. Neighbouring threads take neighbouring channels. Gradients by weight and bias are summed over stretches of
// time first, [B·stretches, C, K] and [B·stretches, C], and over those after.

#define CONVOLUTION(T, suffix)                                                                                         \
    extern "C" __global__ void convolution_##suffix(                                                                   \
        const T *x, const T *weight, const T *bias, T *y, Size n, Size time, Size channels, int taps) {                \
        EACH(i, n) {                                                                                                   \
            Size c = remainder(i, channels);                                                                           \
            Size t = remainder(quotient(i, channels), time);                                                           \
            T sum = bias[c];                                                                                           \
            for (int k = 0; k < taps; k++) {                                                                           \
                Size back = taps - 1 - k;                                                                              \
                if (t >= back) sum += weight[c * taps + k] * x[i - back * channels];                                   \
            }                                                                                                          \
            y[i] = sum;                                                                                                \
        }                                                                                                              \
    }                                                                                                                  \
    extern "C" __global__ void convolution_input_gradient_##suffix(                                                    \
        const T *dy, const T *weight, T *dx, Size n, Size time, Size channels, int taps) {                             \
        EACH(i, n) {                                                                                                   \
            Size c = remainder(i, channels);                                                                           \
            Size t = remainder(quotient(i, channels), time);                                                           \
            T sum = T(0);                                                                                              \
            for (int k = 0; k < taps; k++) {                                                                           \
                Size ahead = taps - 1 - k;                                                                             \
                if (t + ahead < time) sum += weight[c * taps + k] * dy[i + ahead * channels];                          \
            }                                                                                                          \
            dx[i] = sum;                                                                                               \
        }                                                                                                              \
    }                                                                                                                  \
    extern "C" __global__ void convolution_weight_gradient_##suffix(                                                   \
        const T *dy, const T *x, T *dWeight, T *dBias, Size batch, Size time, Size channels, int taps, Size length) {  \
        Size stretches = (time + length - 1) / length;                                                                 \
        EACH(i, batch * stretches * channels * (taps + 1)) {                                                           \
            Size c = i % channels;                                                                                     \
            int k = (int)(i / channels % (taps + 1));                                                                  \
            Size part = i / (channels * (taps + 1));                                                                   \
            Size from = part % stretches * length;                                                                     \
            Size to = from + length < time ? from + length : time;                                                     \
            Size base = part / stretches * time * channels + c;                                                        \
            Size back = taps - 1 - k;                                                                                  \
            T sum = T(0);                                                                                              \
            for (Size t = from; t < to; t++) {                                                                         \
                T g = dy[base + t * channels];                                                                         \
                if (k == taps) sum += g;                                                                               \
                else if (t >= back) sum += g * x[base + (t - back) * channels];                                        \
            }                                                                                                          \
            if (k == taps) dBias[part * channels + c] = sum;                                                           \
            else dWeight[(part * channels + c) * taps + k] = sum;                                                      \
        }                                                                                                              \
    }

FOR_FLOATING(CONVOLUTION)
