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

template <typename T>
__device__ inline void biasActivation(T *x, const Compute<T> *bias, T *y, Size n, Size width, int activation, int kept) {
    bool fours = inFours(x) && inFours(y) && width % 4 == 0;
    int count = fours ? 4 : 1;
    EACH(j, n / count) {
        Size i = j * count;
        Size column = remainder(i, width);
        Four<Compute<T>> v = getColumns(x, i, count);
        for (int k = 0; k < count; k++) v.at[k] += bias ? bias[column + k] : Compute<T>(0);
        if (kept) putColumns(x, i, v, count);
        for (int k = 0; k < count; k++) v.at[k] = activate(activation, v.at[k]);
        putColumns(y, i, v, count);
    }
}

// x only if there is an activation, dx only if it is to be written, sums [stretches, width] only if a bias wants its
// gradient.
template <typename T, typename G>
__device__ inline void linearGradient(
    const G *dy, const T *x, T *dx, Compute<T> *sums, Size rows, Size width, Size length, int activation) {
    bool fours = width % 4 == 0 && inFours(dy) && (!x || inFours(x)) && (!dx || inFours(dx));
    EACH(i, columnStretches(rows, width, length, fours)) {
        ColumnStretch s = columnStretch(i, rows, width, length, fours);
        Four<Compute<T>> total = {};
        for (Size row = s.from; row < s.to; row++) {
            Size at = row * width + s.column;
            Four<Compute<T>> g = getColumns(dy, at, s.columns);
            if (x) {
                Four<Compute<T>> before = getColumns(x, at, s.columns);
                for (int k = 0; k < s.columns; k++) g.at[k] *= slope(activation, before.at[k]);
            }
            if (dx) putColumns(dx, at, g, s.columns);
            for (int k = 0; k < s.columns; k++) total.at[k] += g.at[k];
        }
        if (sums) putColumns(sums, s.index * width + s.column, total, s.columns);
    }
}

#define LINEAR(T, suffix)                                                                                              \
    /* x gets its bias in place and is what the gradient needs; y is activated, and may be x if nothing needs it */    \
    extern "C" __global__ void bias_activation_##suffix(                                                               \
        T *x, const Compute<T> *bias, T *y, Size n, Size width, int activation, int kept) {                            \
        biasActivation(x, bias, y, n, width, activation, kept);                                                        \
    }

#define LINEAR_GRADIENT(G, g, T, suffix)                                                                               \
    extern "C" __global__ void linear_gradient_##g##_##suffix(                                                         \
        const G *dy, const T *x, T *dx, Compute<T> *sums, Size rows, Size width, Size length, int activation) {        \
        linearGradient(dy, x, dx, sums, rows, width, length, activation);                                              \
    }

FOR_ACTIVATIONS(LINEAR)
FOR_PAIRS(LINEAR_GRADIENT)
