// One position of discrete Mamba-2 between its projections; projected [B, W] is x, B, C, z, A_log in a row. First the
// convolution, a thread for each channel, which moves the history on; then a block for each head and some of its P
// entries: S = exp(-softplus(a)) S + x bᵀ, y = (S c + skip x) silu(z + bias).

#include "common.cuh"

template <typename T>
__device__ inline void convolve(
    const T *projected, const Compute<T> *weight, const Compute<T> *bias, Compute<T> *history, Compute<T> *y,
    Size batch, Size channels, Size taps, Size width) {
    typedef Compute<T> C;
    letNextStart();
    awaitPrevious();
    EACH(i, batch * channels) {
        Size channel = i % channels;
        Size b = i / channels;
        C *past = history + b * (taps - 1) * channels + channel;
        C now = get(projected, b * width + channel);
        C sum = bias[channel] + weight[channel * taps + taps - 1] * now;
        for (Size k = 0; k + 1 < taps; k++) {
            C seen = past[k * channels];
            sum += weight[channel * taps + k] * seen;
            if (k > 0) past[(k - 1) * channels] = seen;
        }
        if (taps > 1) past[(taps - 2) * channels] = now;
        y[i] = sum;
    }
}

template <typename T>
__device__ inline void step(
    const T *projected, const Compute<T> *convolved, const Compute<T> *skips, const Compute<T> *zBias,
    Compute<T> *states, T *y, Size heads, Size groups, Size headDim, Size stateSize, Size width) {
    typedef Compute<T> C;
    letNextStart();
    awaitPrevious();
    Size head = blockIdx.x;
    Size b = blockIdx.z;
    Size d = heads * headDim;
    Size grouped = groups * stateSize;
    Size channels = d + 2 * grouped;
    const C *x = convolved + b * channels + head * headDim;
    const C *bs = convolved + b * channels + d + head / (heads / groups) * stateSize;
    const C *cs = bs + grouped;
    C a = get(projected, b * width + channels + d + head);
    C softplus = a > C(0) ? a + log1p(exp(-a)) : log1p(exp(a));
    C decay = exp(-softplus);
    int lane = threadIdx.x % WARP;
    Size warps = blockDim.x / WARP * gridDim.y;
    for (Size p = blockIdx.y * (blockDim.x / WARP) + threadIdx.x / WARP; p < headDim; p += warps) {
        C *state = states + ((b * heads + head) * headDim + p) * stateSize;
        C value = x[p];
        C sum = C(0);
        for (Size n = lane; n < stateSize; n += WARP) {
            C s = decay * state[n] + value * bs[n];
            state[n] = s;
            sum += s * cs[n];
        }
        sum = combineWarp(SUM, sum);
        if (lane == 0) {
            Size entry = head * headDim + p;
            C z = get(projected, b * width + channels + entry) + zBias[entry];
            put(y, b * d + entry, (sum + skips[head] * value) * z / (C(1) + exp(-z)));
        }
    }
}

#define MAMBA_STEP(T, suffix)                                                                                          \
    extern "C" __global__ void mamba_convolve_##suffix(                                                                \
        const T *projected, const Compute<T> *weight, const Compute<T> *bias, Compute<T> *history, Compute<T> *y,      \
        Size batch, Size channels, Size taps, Size width) {                                                            \
        convolve(projected, weight, bias, history, y, batch, channels, taps, width);                                   \
    }                                                                                                                  \
    extern "C" __global__ void mamba_step_##suffix(                                                                    \
        const T *projected, const Compute<T> *convolved, const Compute<T> *skips, const Compute<T> *zBias,             \
        Compute<T> *states, T *y, Size heads, Size groups, Size headDim, Size stateSize, Size width) {                 \
        step(projected, convolved, skips, zBias, states, y, heads, groups, headDim, stateSize, width);                 \
    }

FOR_ACTIVATIONS(MAMBA_STEP)
