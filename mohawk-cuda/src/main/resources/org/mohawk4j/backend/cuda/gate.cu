// What stands between a state-space layer's product and its output map: the way around the state, y + skip x by head,
// and the gate, x silu(z + bias). Rows are [rows, width]; columns' sums go by stretches of rows, always in one order.

template <typename C>
__device__ inline C sigmoid(C x) {
    return C(1) / (C(1) + exp(-x));
}

template <typename X, typename Z>
__device__ inline void gate(const X *x, const Z *z, const Compute<X> *bias, X *y, Size n, Size width) {
    typedef Compute<X> C;
    bool fours = width % 4 == 0 && inFours(x) && inFours(z) && inFours(y);
    int count = fours ? 4 : 1;
    EACH(j, n / count) {
        Size i = j * count;
        Size column = remainder(i, width);
        Four<C> v = getColumns(x, i, count);
        Four<C> gates = getColumns(z, i, count);
        for (int k = 0; k < count; k++) {
            C u = gates.at[k] + bias[column + k];
            v.at[k] *= u * sigmoid(u);
        }
        putColumns(y, i, v, count);
    }
}

// x, z and their gradients are of one type.
template <typename G, typename X>
__device__ inline void gateGradient(
    const G *dy, const X *x, const X *z, const Compute<X> *bias, X *dx, X *dz, Compute<X> *sums, Size rows, Size width,
    Size length) {
    typedef Compute<X> C;
    bool fours = width % 4 == 0 && inFours(dy) && inFours(x) && inFours(z) && inFours(dx) && inFours(dz);
    EACH(i, columnStretches(rows, width, length, fours)) {
        ColumnStretch s = columnStretch(i, rows, width, length, fours);
        Four<C> shift = {}, total = {};
        for (int k = 0; k < s.columns; k++) shift.at[k] = bias[s.column + k];
        for (Size row = s.from; row < s.to; row++) {
            Size at = row * width + s.column;
            Four<C> g = getColumns(dy, at, s.columns);
            Four<C> v = getColumns(x, at, s.columns);
            Four<C> u = getColumns(z, at, s.columns);
            for (int k = 0; k < s.columns; k++) {
                C gate = u.at[k] + shift.at[k];
                C share = sigmoid(gate);
                C opened = gate * share;
                u.at[k] = g.at[k] * v.at[k] * (share + opened - opened * share);
                v.at[k] = g.at[k] * opened;
                total.at[k] += u.at[k];
            }
            putColumns(dx, at, v, s.columns);
            putColumns(dz, at, u, s.columns);
        }
        putColumns(sums, s.index * width + s.column, total, s.columns);
    }
}

template <typename Y, typename X>
__device__ inline void skip(const Y *y, const X *x, const Compute<X> *skips, Y *out, Size n, Size width, Size head) {
    typedef Compute<X> C;
    bool fours = head % 4 == 0 && inFours(x) && inFours(y) && inFours(out);
    int count = fours ? 4 : 1;
    EACH(j, n / count) {
        Size i = j * count;
        C scale = skips[quotient(remainder(i, width), head)];
        Four<C> v = getColumns(x, i, count);
        Four<C> sum = getColumns(y, i, count);
        for (int k = 0; k < count; k++) sum.at[k] += scale * v.at[k];
        putColumns(out, i, sum, count);
    }
}

template <typename G, typename X>
__device__ inline void skipGradient(
    const G *dy, const X *x, const Compute<X> *skips, X *dx, Compute<X> *sums, Size rows, Size width, Size length,
    Size head) {
    typedef Compute<X> C;
    bool fours = head % 4 == 0 && inFours(dy) && inFours(x) && inFours(dx);
    EACH(i, columnStretches(rows, width, length, fours)) {
        ColumnStretch s = columnStretch(i, rows, width, length, fours);
        C scale = skips[s.column / head];
        Four<C> total = {};
        for (Size row = s.from; row < s.to; row++) {
            Size at = row * width + s.column;
            Four<C> g = getColumns(dy, at, s.columns);
            Four<C> v = getColumns(x, at, s.columns);
            for (int k = 0; k < s.columns; k++) {
                total.at[k] += g.at[k] * v.at[k];
                g.at[k] *= scale;
            }
            putColumns(dx, at, g, s.columns);
        }
        putColumns(sums, s.index * width + s.column, total, s.columns);
    }
}

#define FORWARD(T, suffix)                                                                                             \
    extern "C" __global__ void gate_##suffix(                                                                          \
        const T *x, const T *z, const Compute<T> *bias, T *y, Size n, Size width) {                                    \
        gate(x, z, bias, y, n, width);                                                                                 \
    }                                                                                                                  \
    extern "C" __global__ void skip_##suffix(                                                                          \
        const T *y, const T *x, const Compute<T> *skips, T *out, Size n, Size width, Size head) {                      \
        skip(y, x, skips, out, n, width, head);                                                                        \
    }

#define BACKWARD(G, g, T, suffix)                                                                                      \
    extern "C" __global__ void gate_gradient_##g##_##suffix(                                                           \
        const G *dy, const T *x, const T *z, const Compute<T> *bias, T *dx, T *dz, Compute<T> *sums, Size rows,        \
        Size width, Size length) {                                                                                     \
        gateGradient(dy, x, z, bias, dx, dz, sums, rows, width, length);                                               \
    }                                                                                                                  \
    extern "C" __global__ void skip_gradient_##g##_##suffix(                                                           \
        const G *dy, const T *x, const Compute<T> *skips, T *dx, Compute<T> *sums, Size rows, Size width, Size length, \
        Size head) {                                                                                                   \
        skipGradient(dy, x, skips, dx, sums, rows, width, length, head);                                               \
    }

FOR_ACTIVATIONS(FORWARD)
FOR_PAIRS(BACKWARD)
