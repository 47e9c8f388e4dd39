// The middle of a gated MLP, y = activation(gate) up, and its gradients; all arrays alike. What the activation gives is
// worked out again on the way back: reading the gate is all that it would save.
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

FOR_ACTIVATIONS(GLU)
FOR_PAIRS(GLU_GRADIENT)
