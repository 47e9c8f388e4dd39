// RMS normalization of rows [rows, width], x / sqrt(mean(x^2) + epsilon) (weight + offset), where the offset is 1 if the
// weight is kept as its distance from there. LANES threads share a row: a warp where rows are as short as a head's, else
// a block. Each number is read once and kept, as rows.cuh says. Forward saves each row's reciprocal root. Backward the
// same threads take a stretch of rows, so that one pass gives the gradient by weight too: sums over stretches, which are
// added up after, always in the same order. A residual sum may go before, and then its gradient comes in and goes out on
// the way.

#define LANE (threadIdx.x % LANES)
#include "rows.cuh"

// Every thread of a row gets the sum.
template <typename C>
__device__ inline C sumRow(C x) {
    return LANES == WARP ? combineWarp(SUM, x) : sumBlock(x);
}

// Which row, or stretch of rows, is this thread's.
__device__ inline Size ownRow() { return blockIdx.x * (Size)(blockDim.x / LANES) + threadIdx.x / LANES; }

// What is left to do when a row is there and its squares have been added up.
template <typename X, typename Y, typename C>
__device__ inline void normalize(
    const Row<X> &row, C squares, const C *weight, Y *y, C *rate, Size width, double offset, double epsilon) {
    C factor = C(1) / sqrt(sumRow(squares) / C(width) + C(epsilon));
    eachGroup(width, [&](int slot, Size i) {
        Four<C> v = row.at(slot, i);
        Four<C> scale = getColumns<COLUMNS>(weight, i);
        for (int k = 0; k < COLUMNS; k++) v.at[k] = v.at[k] * factor * (scale.at[k] + C(offset));
        putColumns<COLUMNS>(y, i, v);
    });
    if (LANE == 0) *rate = factor;
}

template <typename X, typename Y>
__device__ inline void rmsNorm(
    const X *x, const Compute<X> *weight, Y *y, Compute<X> *rates, Size rows, Size width, double offset,
    double epsilon) {
    typedef Compute<X> C;
    launchDependents();
    gridDependencySync();
    Size at = ownRow();
    if (at >= rows) return;
    Row<X> row(x + at * width);
    C squares = C(0);
    eachGroup(width, [&](int slot, Size i) {
        row.load(slot, i);
        Four<C> v = row.at(slot, i);
        for (int k = 0; k < COLUMNS; k++) squares += v.at[k] * v.at[k];
    });
    normalize(row, squares, weight, y + at * width, rates + at, width, offset, epsilon);
}

// Of h + a, which is written as well.
template <typename H, typename A, typename Y>
__device__ inline void residualRmsNorm(
    const H *h, const A *a, const Compute<H> *weight, H *x, Y *y, Compute<H> *rates, Size rows, Size width,
    double offset, double epsilon) {
    typedef Compute<H> C;
    launchDependents();
    gridDependencySync();
    Size at = ownRow();
    if (at >= rows) return;
    Size base = at * width;
    Row<H> row(x + base);
    C squares = C(0);
    eachGroup(width, [&](int slot, Size i) {
        Four<C> v = getColumns<COLUMNS>(h, base + i);
        Four<C> added = getColumns<COLUMNS>(a, base + i);
        for (int k = 0; k < COLUMNS; k++) v.at[k] = roundedTo(x, v.at[k] + added.at[k]);
        putColumns<COLUMNS>(x, base + i, v);
        if (FOURS > 0) row.kept[slot] = v;
        for (int k = 0; k < COLUMNS; k++) squares += v.at[k] * v.at[k];
    });
    normalize(row, squares, weight, y + base, rates + at, width, offset, epsilon);
}

// dx, plus what comes by another way if that is given, in one type and if wanted in a narrow one too; and the sums of
// this stretch's rows for the weight.
template <typename G, typename X>
__device__ inline void rmsNormGradient(
    const G *dy, const X *x, const Compute<X> *weight, const Compute<X> *rates, const X *other, X *dx, Bf16 *narrow,
    Compute<X> *dWeight, Size rows, Size width, Size length, double offset) {
    typedef Compute<X> C;
    Size from = ownRow() * length;
    Size to = from + length < rows ? from + length : rows;
    Four<C> weightSums[KEPT] = {};
    C *weightSum = dWeight + ownRow() * width;
    for (Size at = from; at < to; at++) {
        Row<X> row(x + at * width);
        Row<G> upstream(dy + at * width);
        Row<X> added(other + at * width);
        C rate = rates[at];
        C along = C(0);
        eachGroup(width, [&](int slot, Size i) {
            row.load(slot, i);
            upstream.load(slot, i);
            if (other) added.load(slot, i);
        });
        eachGroup(width, [&](int slot, Size i) {
            Four<C> v = row.at(slot, i);
            Four<C> g = upstream.at(slot, i);
            Four<C> scale = getColumns<COLUMNS>(weight, i);
            for (int k = 0; k < COLUMNS; k++) {
                C part = g.at[k] * (v.at[k] * rate);
                along += part * (scale.at[k] + C(offset));
                if (FOURS > 0) {
                    weightSums[slot].at[k] += part;
                } else {
                    weightSum[i] = (at == from ? C(0) : weightSum[i]) + part;
                }
            }
        });
        along = sumRow(along) / C(width);
        eachGroup(width, [&](int slot, Size i) {
            Four<C> v = row.at(slot, i);
            Four<C> g = upstream.at(slot, i);
            Four<C> scale = getColumns<COLUMNS>(weight, i);
            for (int k = 0; k < COLUMNS; k++)
                v.at[k] = rate * (g.at[k] * (scale.at[k] + C(offset)) - v.at[k] * rate * along);
            if (other) {
                Four<C> more = added.at(slot, i);
                for (int k = 0; k < COLUMNS; k++) v.at[k] += more.at[k];
            }
            putColumns<COLUMNS>(dx, at * width + i, v);
            if (narrow) putColumns<COLUMNS>(narrow, at * width + i, toFloats(v));
        });
    }
    if (FOURS > 0 && from < rows)
        eachGroup(width, [&](int slot, Size i) { putColumns<COLUMNS>(weightSum, i, weightSums[slot]); });
}

#define FORWARD(X, x_, Y, y_)                                                                                          \
    extern "C" __global__ void rms_norm_##x_##_##y_(                                                                   \
        const X *x, const Compute<X> *weight, Y *y, Compute<X> *rates, Size rows, Size width, double offset,           \
        double epsilon) {                                                                                              \
        rmsNorm(x, weight, y, rates, rows, width, offset, epsilon);                                                    \
    }

#define RESIDUAL(H, h_, A, a_, Y, y_)                                                                                  \
    extern "C" __global__ void residual_rms_norm_##h_##_##a_##_##y_(                                                   \
        const H *h, const A *a, const Compute<H> *weight, H *x, Y *y, Compute<H> *rates, Size rows, Size width,        \
        double offset, double epsilon) {                                                                               \
        residualRmsNorm(h, a, weight, x, y, rates, rows, width, offset, epsilon);                                      \
    }

// Rows of up to 2048 leave room for four blocks beside each other.
#define BLOCKS (FOURS <= 2 ? 4 : 1)

#define BACKWARD(G, g_, X, x_)                                                                                         \
    extern "C" __global__ void __launch_bounds__(256, BLOCKS) rms_norm_gradient_##g_##_##x_(                           \
        const G *dy, const X *x, const Compute<X> *weight, const Compute<X> *rates, const X *other, X *dx,             \
        Bf16 *narrow, Compute<X> *dWeight, Size rows, Size width, Size length, double offset) {                        \
        rmsNormGradient(dy, x, weight, rates, other, dx, narrow, dWeight, rows, width, length, offset);                \
    }

FORWARD(float, f32, float, f32)
FORWARD(double, f64, double, f64)
FORWARD(Bf16, bf16, Bf16, bf16)
FORWARD(float, f32, Bf16, bf16)
RESIDUAL(float, f32, float, f32, float, f32)
RESIDUAL(double, f64, double, f64, double, f64)
RESIDUAL(Bf16, bf16, Bf16, bf16, Bf16, bf16)
RESIDUAL(float, f32, float, f32, Bf16, bf16)
RESIDUAL(float, f32, Bf16, bf16, Bf16, bf16)
FOR_PAIRS(BACKWARD)
