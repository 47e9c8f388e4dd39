// What stands between a state-space layer's product and its output map: the way around the state, y + skip x by head,
// and the gate, x silu(z + bias). Rows are [rows, width]; columns' sums go by stretches of rows, always in one order.

#include "common.cuh"

template <int COLUMNS, typename X>
__device__ inline void gate(const X *x, const X *z, const Compute<X> *bias, X *y, Size n, Size width) {
    typedef Compute<X> C;
    EACH(j, n / COLUMNS) {
        Size i = j * COLUMNS;
        Size column = remainder(i, width);
        Four<C> v = getColumns<COLUMNS>(x, i);
        Four<C> gates = getColumns<COLUMNS>(z, i);
        for (int k = 0; k < COLUMNS; k++) {
            C u = gates.at[k] + bias[column + k];
            v.at[k] *= u * sigmoidOf<X>(u);
        }
        putColumns<COLUMNS>(y, i, v);
    }
}

template <int COLUMNS, typename G, typename X>
__device__ inline void gateGradient(
    const G *__restrict__ dy, const X *__restrict__ x, const X *__restrict__ z, const Compute<X> *__restrict__ bias,
    X *__restrict__ dx, X *__restrict__ dz, Compute<X> *__restrict__ sums, Size rows, Size width, Size length) {
    typedef Compute<X> C;
    EACH(i, columnStretches<COLUMNS>(rows, width, length)) {
        ColumnStretch s = columnStretch<COLUMNS>(i, rows, width, length);
        Four<C> shift = {}, total = {};
        for (int k = 0; k < COLUMNS; k++) shift.at[k] = bias[s.column + k];
#pragma unroll 4
        for (Size row = s.from; row < s.to; row++) {
            Size at = row * width + s.column;
            Four<C> g = getColumns<COLUMNS>(dy, at);
            Four<C> v = getColumns<COLUMNS>(x, at);
            Four<C> u = getColumns<COLUMNS>(z, at);
            for (int k = 0; k < COLUMNS; k++) {
                C gate = u.at[k] + shift.at[k];
                C share = sigmoidOf<X>(gate);
                C opened = gate * share;
                u.at[k] = g.at[k] * v.at[k] * (share + opened - opened * share);
                v.at[k] = g.at[k] * opened;
                total.at[k] += u.at[k];
            }
            putColumns<COLUMNS>(dx, at, v);
            putColumns<COLUMNS>(dz, at, u);
        }
        putColumns<COLUMNS>(sums, s.index * width + s.column, total);
    }
}

template <int COLUMNS, typename X>
__device__ inline void skip(const X *y, const X *x, const Compute<X> *skips, X *out, Size n, Size width, Size head) {
    typedef Compute<X> C;
    EACH(j, n / COLUMNS) {
        Size i = j * COLUMNS;
        C scale = skips[quotient(remainder(i, width), head)];
        Four<C> v = getColumns<COLUMNS>(x, i);
        Four<C> sum = getColumns<COLUMNS>(y, i);
        for (int k = 0; k < COLUMNS; k++) sum.at[k] += scale * v.at[k];
        putColumns<COLUMNS>(out, i, sum);
    }
}

template <int COLUMNS, typename G, typename X>
__device__ inline void skipGradient(
    const G *__restrict__ dy, const X *__restrict__ x, const Compute<X> *__restrict__ skips, X *__restrict__ dx,
    Compute<X> *__restrict__ sums, Size rows, Size width, Size length, Size head) {
    typedef Compute<X> C;
    EACH(i, columnStretches<COLUMNS>(rows, width, length)) {
        ColumnStretch s = columnStretch<COLUMNS>(i, rows, width, length);
        C scale = skips[s.column / head];
        Four<C> total = {};
#pragma unroll 4
        for (Size row = s.from; row < s.to; row++) {
            Size at = row * width + s.column;
            Four<C> g = getColumns<COLUMNS>(dy, at);
            Four<C> v = getColumns<COLUMNS>(x, at);
            for (int k = 0; k < COLUMNS; k++) {
                total.at[k] += g.at[k] * v.at[k];
                g.at[k] *= scale;
            }
            putColumns<COLUMNS>(dx, at, g);
        }
        putColumns<COLUMNS>(sums, s.index * width + s.column, total);
    }
}

#define FORWARD(T, suffix)                                                                                             \
    extern "C" __global__ void gate_##suffix(                                                                          \
        const T *x, const T *z, const Compute<T> *bias, T *y, Size n, Size width) {                                    \
        if (width % 4 == 0 && inFours(x) && inFours(z) && inFours(y))                                                  \
            gate<4>(x, z, bias, y, n, width);                                                                          \
        else                                                                                                           \
            gate<1>(x, z, bias, y, n, width);                                                                          \
    }                                                                                                                  \
    extern "C" __global__ void skip_##suffix(                                                                          \
        const T *y, const T *x, const Compute<T> *skips, T *out, Size n, Size width, Size head) {                      \
        if (head % 4 == 0 && inFours(x) && inFours(y) && inFours(out))                                                 \
            skip<4>(y, x, skips, out, n, width, head);                                                                 \
        else                                                                                                           \
            skip<1>(y, x, skips, out, n, width, head);                                                                 \
    }

#define BACKWARD(G, g, T, suffix)                                                                                      \
    extern "C" __global__ void gate_gradient_##g##_##suffix(                                                           \
        const G *dy, const T *x, const T *z, const Compute<T> *bias, T *dx, T *dz, Compute<T> *sums, Size rows,        \
        Size width, Size length) {                                                                                     \
        if (width % 4 == 0 && inFours(dy) && inFours(x) && inFours(z))                                                 \
            gateGradient<4>(dy, x, z, bias, dx, dz, sums, rows, width, length);                                        \
        else                                                                                                           \
            gateGradient<1>(dy, x, z, bias, dx, dz, sums, rows, width, length);                                        \
    }                                                                                                                  \
    extern "C" __global__ void skip_gradient_##g##_##suffix(                                                           \
        const G *dy, const T *x, const Compute<T> *skips, T *dx, Compute<T> *sums, Size rows, Size width, Size length, \
        Size head) {                                                                                                   \
        if (head % 4 == 0 && inFours(dy) && inFours(x))                                                                \
            skipGradient<4>(dy, x, skips, dx, sums, rows, width, length, head);                                        \
        else                                                                                                           \
            skipGradient<1>(dy, x, skips, dx, sums, rows, width, length, head);                                        \
    }

FOR_ACTIVATIONS(FORWARD)
FOR_PAIRS(BACKWARD)
