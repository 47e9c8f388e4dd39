// Layer normalization of rows [rows, width], biased variance, a block for each row. Each number is read once and kept by
// its thread: FOURS is how many groups of four neighbors a thread keeps, 0 where rows do not lie in fours or are too
// long, and then they are read again from cache. Forward saves each row's mean and reciprocal deviation. Backward a block
// takes a stretch of rows, so that one pass gives the gradients by weight and bias too: sums over stretches, which are
// added up after, always in the same order. A residual sum may go before, and then its gradient comes in and goes out on
// the way.

#define LANES blockDim.x
#define LANE threadIdx.x
#include "rows.cuh"

// Both numbers of all threads.
template <typename C>
__device__ inline void sumBlockOfTwo(C &a, C &b) {
    __shared__ C warps[2][WARP];
    a = combineWarp(SUM, a);
    b = combineWarp(SUM, b);
    __syncthreads();
    if (threadIdx.x % WARP == 0) {
        warps[0][threadIdx.x / WARP] = a;
        warps[1][threadIdx.x / WARP] = b;
    }
    __syncthreads();
    a = warps[0][0];
    b = warps[1][0];
    for (int warp = 1; warp < blockDim.x / WARP; warp++) {
        a += warps[0][warp];
        b += warps[1][warp];
    }
}

// What is left to do when a row is there and has been added up.
template <typename X, typename Y, typename C>
__device__ inline void normalize(
    const Row<X> &row, C sum, const C *weight, const C *bias, Y *y, C *means, C *rates, Size width, double epsilon) {
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

template <typename X, typename Y>
__device__ inline void layerNorm(
    const X *x, const Compute<X> *weight, const Compute<X> *bias, Y *y, Compute<X> *means, Compute<X> *rates,
    Size width, double epsilon) {
    typedef Compute<X> C;
    launchDependents();
    gridDependencySync();
    Row<X> row(x + blockIdx.x * width);
    C sum = C(0);
    eachGroup(width, [&](int slot, Size i) {
        row.load(slot, i);
        Four<C> v = row.at(slot, i);
        for (int k = 0; k < COLUMNS; k++) sum += v.at[k];
    });
    normalize(row, sum, weight, bias, y, means, rates, width, epsilon);
}

// Of h + a + b, which is written as well.
template <typename H, typename A, typename Y>
__device__ inline void residualNorm(
    const H *h, const A *a, const A *b, const Compute<H> *weight, const Compute<H> *bias, H *x, Y *y,
    Compute<H> *means, Compute<H> *rates, Size width, double epsilon) {
    typedef Compute<H> C;
    Size base = blockIdx.x * width;
    Row<H> row(x + base);
    C sum = C(0);
    eachGroup(width, [&](int slot, Size i) {
        Four<C> v = getColumns<COLUMNS>(h, base + i);
        Four<C> first = getColumns<COLUMNS>(a, base + i);
        Four<C> second = getColumns<COLUMNS>(b, base + i);
        for (int k = 0; k < COLUMNS; k++) v.at[k] = roundedTo(x, v.at[k] + (first.at[k] + second.at[k]));
        putColumns<COLUMNS>(x, base + i, v);
        if (FOURS > 0) row.kept[slot] = v;
        for (int k = 0; k < COLUMNS; k++) sum += v.at[k];
    });
    normalize(row, sum, weight, bias, y, means, rates, width, epsilon);
}

// dx, plus what comes by another way if that is given, in one type and if wanted in a narrow one too; and the sums of
// this block's rows for weight and bias.
template <typename G, typename X>
__device__ inline void layerNormGradient(
    const G *dy, const X *x, const Compute<X> *weight, const Compute<X> *means, const Compute<X> *rates,
    const X *other, X *dx, Bf16 *narrow, Compute<X> *dWeight, Compute<X> *dBias, Size rows, Size width, Size length) {
    typedef Compute<X> C;
    Size from = blockIdx.x * length;
    Size to = from + length < rows ? from + length : rows;
    Four<C> weightSums[KEPT] = {}, biasSums[KEPT] = {};
    C *weightSum = dWeight + blockIdx.x * width;
    C *biasSum = dBias + blockIdx.x * width;
    for (Size at = from; at < to; at++) {
        Row<X> row(x + at * width);
        Row<G> upstream(dy + at * width);
        Row<X> added(other + at * width);
        C mean = means[at];
        C rate = rates[at];
        C sum = C(0);
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
                C normal = (v.at[k] - mean) * rate;
                sum += g.at[k] * scale.at[k];
                along += g.at[k] * scale.at[k] * normal;
                if (FOURS > 0) {
                    weightSums[slot].at[k] += g.at[k] * normal;
                    biasSums[slot].at[k] += g.at[k];
                } else {
                    weightSum[i] = (at == from ? C(0) : weightSum[i]) + g.at[k] * normal;
                    biasSum[i] = (at == from ? C(0) : biasSum[i]) + g.at[k];
                }
            }
        });
        sumBlockOfTwo(sum, along);
        sum /= C(width);
        along /= C(width);
        eachGroup(width, [&](int slot, Size i) {
            Four<C> v = row.at(slot, i);
            Four<C> g = upstream.at(slot, i);
            Four<C> scale = getColumns<COLUMNS>(weight, i);
            for (int k = 0; k < COLUMNS; k++)
                v.at[k] = rate * (g.at[k] * scale.at[k] - sum - (v.at[k] - mean) * rate * along);
            if (other) {
                Four<C> more = added.at(slot, i);
                for (int k = 0; k < COLUMNS; k++) v.at[k] += more.at[k];
            }
            putColumns<COLUMNS>(dx, at * width + i, v);
            if (narrow) putColumns<COLUMNS>(narrow, at * width + i, toFloats(v));
        });
    }
    if (FOURS > 0) {
        eachGroup(width, [&](int slot, Size i) {
            putColumns<COLUMNS>(weightSum, i, weightSums[slot]);
            putColumns<COLUMNS>(biasSum, i, biasSums[slot]);
        });
    }
}

#define FORWARD(X, x_, Y, y_)                                                                                          \
    extern "C" __global__ void layer_norm_##x_##_##y_(                                                                 \
        const X *x, const Compute<X> *weight, const Compute<X> *bias, Y *y, Compute<X> *means, Compute<X> *rates,      \
        Size width, double epsilon) {                                                                                  \
        layerNorm(x, weight, bias, y, means, rates, width, epsilon);                                                   \
    }

#define RESIDUAL(H, h_, A, a_, Y, y_)                                                                                  \
    extern "C" __global__ void residual_norm_##h_##_##a_##_##y_(                                                       \
        const H *h, const A *a, const A *b, const Compute<H> *weight, const Compute<H> *bias, H *x, Y *y,              \
        Compute<H> *means, Compute<H> *rates, Size width, double epsilon) {                                            \
        residualNorm(h, a, b, weight, bias, x, y, means, rates, width, epsilon);                                       \
    }

// Rows of up to 2048 leave room for four blocks beside each other.
#define BLOCKS (FOURS <= 2 ? 4 : 1)

#define BACKWARD(G, g_, X, x_)                                                                                         \
    extern "C" __global__ void __launch_bounds__(256, BLOCKS) layer_norm_gradient_##g_##_##x_(                         \
        const G *dy, const X *x, const Compute<X> *weight, const Compute<X> *means, const Compute<X> *rates,           \
        const X *other, X *dx, Bf16 *narrow, Compute<X> *dWeight, Compute<X> *dBias, Size rows, Size width,            \
        Size length) {                                                                                                 \
        layerNormGradient(                                                                                             \
            dy, x, weight, means, rates, other, dx, narrow, dWeight, dBias, rows, width, length);                      \
    }

FOR_PAIRS(FORWARD)
RESIDUAL(float, f32, float, f32, float, f32)
RESIDUAL(double, f64, double, f64, double, f64)
RESIDUAL(Bf16, bf16, Bf16, bf16, Bf16, bf16)
RESIDUAL(float, f32, float, f32, Bf16, bf16)
RESIDUAL(float, f32, Bf16, bf16, Bf16, bf16)
FOR_PAIRS(BACKWARD)
