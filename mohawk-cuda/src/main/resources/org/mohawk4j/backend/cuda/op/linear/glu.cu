// The middle of a gated MLP, y = activation(gate) up, and its gradients; all arrays alike. What the activation gives is
// worked out again on the way back: reading the gate is all that it would save.
//
// glu_rows and its gradient are for bfloat16 in rows of a multiple of eight, of which gate and up may be parts: they lie
// stride apart from row to row, in the gradient side by side. All addresses are multiples of 16 bytes.
//
// Bytes: three arrays forward, five backward.

#include "activation.cuh"

template <int COLUMNS, typename T>
__device__ inline void glu(const T *gate, const T *up, T *y, Size n, int activation) {
    EACH(j, n / COLUMNS) {
        Size i = j * COLUMNS;
        Four<Compute<T>> g = getColumns<COLUMNS>(gate, i);
        Four<Compute<T>> u = getColumns<COLUMNS>(up, i);
        for (int k = 0; k < COLUMNS; k++) u.at[k] *= activate<T>(activation, g.at[k]);
        putColumns<COLUMNS>(y, i, u);
    }
}

template <int COLUMNS, typename G, typename T>
__device__ inline void gluGradient(
    const G *__restrict__ dy, const T *__restrict__ gate, const T *__restrict__ up, T *__restrict__ dGate,
    T *__restrict__ dUp, Size n, int activation) {
    EACH(j, n / COLUMNS) {
        Size i = j * COLUMNS;
        Four<Compute<T>> d = getColumns<COLUMNS>(dy, i);
        Four<Compute<T>> g = getColumns<COLUMNS>(gate, i);
        Four<Compute<T>> u = getColumns<COLUMNS>(up, i);
        for (int k = 0; k < COLUMNS; k++) {
            u.at[k] *= d.at[k] * slope<T>(activation, g.at[k]);
            d.at[k] *= activate<T>(activation, g.at[k]);
        }
        putColumns<COLUMNS>(dGate, i, u);
        putColumns<COLUMNS>(dUp, i, d);
    }
}

#define GLU(T, suffix)                                                                                                 \
    extern "C" __global__ void glu_##suffix(const T *gate, const T *up, T *y, Size n, int activation) {                \
        launchDependents();                                                                                            \
        gridDependencySync();                                                                                          \
        if (n % 4 == 0 && inFours(gate) && inFours(up) && inFours(y))                                                  \
            glu<4>(gate, up, y, n, activation);                                                                        \
        else                                                                                                           \
            glu<1>(gate, up, y, n, activation);                                                                        \
    }

#define GLU_GRADIENT(G, g, T, suffix)                                                                                  \
    extern "C" __global__ void glu_gradient_##g##_##suffix(                                                            \
        const G *dy, const T *gate, const T *up, T *dGate, T *dUp, Size n, int activation) {                           \
        if (n % 4 == 0 && inFours(dy) && inFours(gate) && inFours(up) && inFours(dGate) && inFours(dUp))               \
            gluGradient<4>(dy, gate, up, dGate, dUp, n, activation);                                                   \
        else                                                                                                           \
            gluGradient<1>(dy, gate, up, dGate, dUp, n, activation);                                                   \
    }

struct Eight {
    float at[8];
};

__device__ inline Eight getEight(const Bf16 *x) {
    uint4 v = *(const uint4 *)x;
    return {{lowerBf16(v.x), upperBf16(v.x), lowerBf16(v.y), upperBf16(v.y), lowerBf16(v.z), upperBf16(v.z),
             lowerBf16(v.w), upperBf16(v.w)}};
}

__device__ inline void putEight(Bf16 *y, const Eight &v) {
    *(uint4 *)y = make_uint4(
        toBf16Pair(v.at[0], v.at[1]), toBf16Pair(v.at[2], v.at[3]), toBf16Pair(v.at[4], v.at[5]),
        toBf16Pair(v.at[6], v.at[7]));
}

// The activation is chosen once, not for each number.
template <int ACTIVATION>
__device__ inline void gluRows(const Bf16 *gate, const Bf16 *up, Bf16 *y, Size rows, Size width, Size stride) {
    Size each = width / 8;
    EACH(j, rows * each) {
        Size row = quotient(j, each);
        Size at = row * stride + (j - row * each) * 8;
        Eight g = getEight(gate + at), u = getEight(up + at);
#pragma unroll
        for (int k = 0; k < 8; k++) u.at[k] *= activate<Bf16>(ACTIVATION, g.at[k]);
        putEight(y + j * 8, u);
    }
}

template <int ACTIVATION>
__device__ inline void gluRowsGradient(
    const Bf16 *__restrict__ dy, const Bf16 *__restrict__ both, Bf16 *__restrict__ dBoth, Size rows, Size width) {
    Size each = width / 8;
    EACH(j, rows * each) {
        Size row = quotient(j, each);
        Size at = row * 2 * width + (j - row * each) * 8;
        Eight d = getEight(dy + j * 8), g = getEight(both + at), u = getEight(both + at + width);
#pragma unroll
        for (int k = 0; k < 8; k++) {
            u.at[k] *= d.at[k] * slope<Bf16>(ACTIVATION, g.at[k]);
            d.at[k] *= activate<Bf16>(ACTIVATION, g.at[k]);
        }
        putEight(dBoth + at, u);
        putEight(dBoth + at + width, d);
    }
}

#define EACH_ACTIVATION(activation, call)                                                                              \
    switch (activation) {                                                                                              \
        case GELU_TANH: return call(GELU_TANH);                                                                        \
        case RELU: return call(RELU);                                                                                  \
        case SILU: return call(SILU);                                                                                  \
        default: return call(NONE);                                                                                    \
    }

extern "C" __global__ void glu_rows_bf16(
    const Bf16 *gate, const Bf16 *up, Bf16 *y, Size rows, Size width, Size stride, int activation) {
    launchDependents();
    gridDependencySync();
#define ROWS(code) gluRows<code>(gate, up, y, rows, width, stride)
    EACH_ACTIVATION(activation, ROWS)
}

extern "C" __global__ void glu_rows_gradient_bf16(
    const Bf16 *dy, const Bf16 *both, Bf16 *dBoth, Size rows, Size width, int activation) {
#define ROWS_GRADIENT(code) gluRowsGradient<code>(dy, both, dBoth, rows, width)
    EACH_ACTIVATION(activation, ROWS_GRADIENT)
}

FOR_ACTIVATIONS(GLU)
FOR_PAIRS(GLU_GRADIENT)
