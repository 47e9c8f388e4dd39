// Layer normalisation of rows [rows, width], biased variance, a block for each row. Each number is read once and kept by
// its thread: FOURS is how many groups of four neighbours a thread keeps, 0 where rows do not lie in fours or are too
// long, and then they are read again from cache. Forward saves each row's mean and reciprocal deviation. Backward by
// weight and bias sums over stretches of rows first, and over the stretches after, always in the same order.

#include "common.cuh"

#if FOURS > 0
#define COLUMNS 4
#define KEPT FOURS
#else
#define COLUMNS 1
#define KEPT 1
#endif

// The groups of a row that this thread takes.
template <typename Body>
__device__ inline void eachGroup(Size width, Body body) {
#if FOURS > 0
#pragma unroll
    for (int slot = 0; slot < FOURS; slot++) {
        Size i = ((Size)slot * blockDim.x + threadIdx.x) * COLUMNS;
        if (i < width) body(slot, i);
    }
#else
    for (Size i = threadIdx.x; i < width; i += blockDim.x) body(0, i);
#endif
}

template <typename T>
struct Row {
    typedef Four<Compute<T>> Group;
    const T *from;
    Group kept[KEPT];

    __device__ inline explicit Row(const T *from) : from(from) {}

    __device__ inline void load(int slot, Size i) {
        if (FOURS > 0) kept[slot] = getColumns<COLUMNS>(from, i);
    }

    __device__ inline Group at(int slot, Size i) const {
        return FOURS > 0 ? kept[slot] : getColumns<COLUMNS>(from, i);
    }
};

template <typename X, typename Y>
__device__ inline void layerNorm(
    const X *x, const Compute<X> *weight, const Compute<X> *bias, Y *y, Compute<X> *means, Compute<X> *rates,
    Size width, double epsilon) {
    typedef Compute<X> C;
    letNextStart();
    awaitPrevious();
    Row<X> row(x + blockIdx.x * width);
    C sum = C(0);
    eachGroup(width, [&](int slot, Size i) {
        row.load(slot, i);
        Four<C> v = row.at(slot, i);
        for (int k = 0; k < COLUMNS; k++) sum += v.at[k];
    });
    C mean = sumBlock(sum) / C(width);
    C squares = C(0);
    eachGroup(width, [&](int slot, Size i) {
        Four<C> v = row.at(slot, i);
        for (int k = 0; k < COLUMNS; k++) squares += (v.at[k] - mean) * (v.at[k] - mean);
    });
    C rate = C(1) / sqrt(sumBlock(squares) / C(width) + C(epsilon));
    eachGroup(width, [&](int slot, Size i) {
        Four<C> v = row.at(slot, i);
        Four<C> scale = getColumns<COLUMNS>(weight, i);
        Four<C> shift = getColumns<COLUMNS>(bias, i);
        for (int k = 0; k < COLUMNS; k++) v.at[k] = (v.at[k] - mean) * rate * scale.at[k] + shift.at[k];
        putColumns<COLUMNS>(y, blockIdx.x * width + i, v);
    });
    if (threadIdx.x == 0) {
        means[blockIdx.x] = mean;
        rates[blockIdx.x] = rate;
    }
}

template <typename G, typename X>
__device__ inline void layerNormInputGradient(
    const G *dy, const X *x, const Compute<X> *weight, const Compute<X> *means, const Compute<X> *rates, X *dx,
    Size width) {
    typedef Compute<X> C;
    Row<X> row(x + blockIdx.x * width);
    Row<G> upstream(dy + blockIdx.x * width);
    C mean = means[blockIdx.x];
    C rate = rates[blockIdx.x];
    C sum = C(0);
    C along = C(0);
    eachGroup(width, [&](int slot, Size i) {
        row.load(slot, i);
        upstream.load(slot, i);
        Four<C> v = row.at(slot, i);
        Four<C> g = upstream.at(slot, i);
        Four<C> scale = getColumns<COLUMNS>(weight, i);
        for (int k = 0; k < COLUMNS; k++) {
            sum += g.at[k] * scale.at[k];
            along += g.at[k] * scale.at[k] * (v.at[k] - mean) * rate;
        }
    });
    sum = sumBlock(sum) / C(width);
    along = sumBlock(along) / C(width);
    eachGroup(width, [&](int slot, Size i) {
        Four<C> v = row.at(slot, i);
        Four<C> g = upstream.at(slot, i);
        Four<C> scale = getColumns<COLUMNS>(weight, i);
        for (int k = 0; k < COLUMNS; k++)
            v.at[k] = rate * (g.at[k] * scale.at[k] - sum - (v.at[k] - mean) * rate * along);
        putColumns<COLUMNS>(dx, blockIdx.x * width + i, v);
    });
}

template <typename G, typename X>
__device__ inline void layerNormWeightGradient(
    const G *__restrict__ dy, const X *__restrict__ x, const Compute<X> *__restrict__ means,
    const Compute<X> *__restrict__ rates, Compute<X> *__restrict__ dWeight, Compute<X> *__restrict__ dBias, Size rows,
    Size width, Size length) {
    typedef Compute<X> C;
    EACH(i, columnStretches<COLUMNS>(rows, width, length)) {
        ColumnStretch s = columnStretch<COLUMNS>(i, rows, width, length);
        Four<C> weightSum = {}, biasSum = {};
#pragma unroll 4
        for (Size row = s.from; row < s.to; row++) {
            Four<C> g = getColumns<COLUMNS>(dy, row * width + s.column);
            Four<C> v = getColumns<COLUMNS>(x, row * width + s.column);
            C mean = means[row], rate = rates[row];
            for (int k = 0; k < COLUMNS; k++) {
                weightSum.at[k] += g.at[k] * (v.at[k] - mean) * rate;
                biasSum.at[k] += g.at[k];
            }
        }
        putColumns<COLUMNS>(dWeight, s.index * width + s.column, weightSum);
        putColumns<COLUMNS>(dBias, s.index * width + s.column, biasSum);
    }
}

#define FORWARD(X, x_, Y, y_)                                                                                          \
    extern "C" __global__ void layer_norm_##x_##_##y_(                                                                 \
        const X *x, const Compute<X> *weight, const Compute<X> *bias, Y *y, Compute<X> *means, Compute<X> *rates,      \
        Size width, double epsilon) {                                                                                  \
        layerNorm(x, weight, bias, y, means, rates, width, epsilon);                                                   \
    }

#define BACKWARD(G, g_, X, x_)                                                                                         \
    extern "C" __global__ void layer_norm_input_gradient_##g_##_##x_(                                                  \
        const G *dy, const X *x, const Compute<X> *weight, const Compute<X> *means, const Compute<X> *rates, X *dx,    \
        Size width) {                                                                                                  \
        layerNormInputGradient(dy, x, weight, means, rates, dx, width);                                                \
    }                                                                                                                  \
    extern "C" __global__ void layer_norm_weight_gradient_##g_##_##x_(                                                 \
        const G *dy, const X *x, const Compute<X> *means, const Compute<X> *rates, Compute<X> *dWeight,                \
        Compute<X> *dBias, Size rows, Size width, Size length) {                                                       \
        layerNormWeightGradient(dy, x, means, rates, dWeight, dBias, rows, width, length);                             \
    }

FOR_PAIRS(FORWARD)
FOR_PAIRS(BACKWARD)
