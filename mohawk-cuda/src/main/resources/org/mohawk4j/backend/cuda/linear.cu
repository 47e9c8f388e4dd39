// What follows a product x Wᵀ [rows, width]: bias and activation in one pass, and the activation's gradient.

enum { NONE, GELU_TANH, RELU, SILU };

template <typename T>
__device__ inline T sigmoid(T x) {
    return T(1) / (T(1) + exp(-x));
}

// gelu(x) = x sigmoid(2u), u = sqrt(2/pi) (x + 0.044715 x^3)
template <typename T>
__device__ inline T activate(int activation, T x) {
    const T scale = T(1.5957691216057308);
    switch (activation) {
        case GELU_TANH: return x * sigmoid(scale * (x + T(0.044715) * x * x * x));
        case RELU: return x != x || x > T(0) ? x : T(0);
        case SILU: return x * sigmoid(x);
        default: return x;
    }
}

template <typename T>
__device__ inline T slope(int activation, T x) {
    const T scale = T(1.5957691216057308);
    switch (activation) {
        case GELU_TANH: {
            T s = sigmoid(scale * (x + T(0.044715) * x * x * x));
            return s + x * s * (T(1) - s) * scale * (T(1) + T(3 * 0.044715) * x * x);
        }
        case RELU: return x > T(0) ? T(1) : T(0);
        case SILU: {
            T s = sigmoid(x);
            T y = x * s;
            return y - y * s + s;
        }
        default: return T(1);
    }
}

#define LINEAR(T, suffix)                                                                                              \
    /* x gets its bias in place and is what the gradient needs; y is activated, and may be x if nothing needs it */    \
    extern "C" __global__ void bias_activation_##suffix(                                                               \
        T *x, const T *bias, T *y, Size n, Size width, int activation, int kept) {                                     \
        EACH(i, n) {                                                                                                   \
            T shifted = bias ? x[i] + bias[remainder(i, width)] : x[i];                                                          \
            if (kept) x[i] = shifted;                                                                                  \
            y[i] = activate(activation, shifted);                                                                      \
        }                                                                                                              \
    }                                                                                                                  \
    extern "C" __global__ void activation_gradient_##suffix(                                                           \
        const T *dy, const T *x, T *dx, Size n, int activation) {                                                      \
        EACH(i, n) dx[i] = dy[i] * slope(activation, x[i]);                                                            \
    }

FOR_FLOATING(LINEAR)
