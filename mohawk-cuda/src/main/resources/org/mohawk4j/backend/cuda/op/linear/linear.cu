// What follows a product x Wᵀ [rows, width]: bias and activation in one pass, and the activation's gradient.

#include "activation.cuh"

template <int COLUMNS, typename T>
__device__ inline void biasActivation(
    T *x, const Compute<T> *bias, T *y, Size n, Size width, int activation, int kept) {
    EACH(j, n / COLUMNS) {
        Size i = j * COLUMNS;
        Size column = remainder(i, width);
        Four<Compute<T>> v = getColumns<COLUMNS>(x, i);
        for (int k = 0; k < COLUMNS; k++) v.at[k] += bias ? bias[column + k] : Compute<T>(0);
        if (kept) putColumns<COLUMNS>(x, i, v);
        for (int k = 0; k < COLUMNS; k++) v.at[k] = activate<T>(activation, v.at[k]);
        putColumns<COLUMNS>(y, i, v);
    }
}

// x only if there is an activation, dx only if it is to be written, sums [stretches, width] only if a bias wants its
// gradient.
template <int COLUMNS, typename T, typename G>
__device__ inline void linearGradient(
    const G *__restrict__ dy, const T *__restrict__ x, T *__restrict__ dx, Compute<T> *__restrict__ sums, Size rows,
    Size width, Size length, int activation) {
    EACH(i, columnStretches<COLUMNS>(rows, width, length)) {
        ColumnStretch s = columnStretch<COLUMNS>(i, rows, width, length);
        Four<Compute<T>> total = {};
#pragma unroll 4
        for (Size row = s.from; row < s.to; row++) {
            Size at = row * width + s.column;
            Four<Compute<T>> g = getColumns<COLUMNS>(dy, at);
            if (x) {
                Four<Compute<T>> before = getColumns<COLUMNS>(x, at);
                for (int k = 0; k < COLUMNS; k++) g.at[k] *= slope<T>(activation, before.at[k]);
            }
            if (dx) putColumns<COLUMNS>(dx, at, g);
            for (int k = 0; k < COLUMNS; k++) total.at[k] += g.at[k];
        }
        if (sums) putColumns<COLUMNS>(sums, s.index * width + s.column, total);
    }
}

#define LINEAR(T, suffix)                                                                                              \
    /* x gets its bias in place and is what the gradient needs; y is activated, and may be x if nothing needs it */    \
    extern "C" __global__ void bias_activation_##suffix(                                                               \
        T *x, const Compute<T> *bias, T *y, Size n, Size width, int activation, int kept) {                            \
        if (width % 4 == 0 && inFours(x) && inFours(y))                                                                \
            biasActivation<4>(x, bias, y, n, width, activation, kept);                                                 \
        else                                                                                                           \
            biasActivation<1>(x, bias, y, n, width, activation, kept);                                                 \
    }

#define LINEAR_GRADIENT(G, g, T, suffix)                                                                               \
    extern "C" __global__ void linear_gradient_##g##_##suffix(                                                         \
        const G *dy, const T *x, T *dx, Compute<T> *sums, Size rows, Size width, Size length, int activation) {        \
        if (width % 4 == 0 && inFours(dy) && inFours(x) && inFours(dx))                                                \
            linearGradient<4>(dy, x, dx, sums, rows, width, length, activation);                                       \
        else                                                                                                           \
            linearGradient<1>(dy, x, dx, sums, rows, width, length, activation);                                       \
    }

FOR_ACTIVATIONS(LINEAR)
FOR_PAIRS(LINEAR_GRADIENT)
