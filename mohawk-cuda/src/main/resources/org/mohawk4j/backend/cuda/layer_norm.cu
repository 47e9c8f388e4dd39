// Layer normalisation of rows [rows, width], biased variance, a block for each row. Forward reads x (a row stays in
// cache) and writes y; it saves each row's mean and reciprocal deviation. Backward by the input reads x and dy; by
// weight and bias it sums over stretches of rows first, and over the stretches after, always in the same order.

template <typename X, typename Y>
__device__ inline void layerNorm(
    const X *x, const Compute<X> *weight, const Compute<X> *bias, Y *y, Compute<X> *means, Compute<X> *rates,
    Size width, double epsilon) {
    typedef Compute<X> C;
    const X *in = x + blockIdx.x * width;
    Y *out = y + blockIdx.x * width;
    bool fours = width % 4 == 0 && inFours(x) && inFours(y);
    int count = fours ? 4 : 1;
    Size step = (Size)blockDim.x * count;
    C sum = C(0);
    for (Size i = threadIdx.x * count; i < width; i += step) {
        Four<C> v = getColumns(in, i, count);
        for (int k = 0; k < count; k++) sum += v.at[k];
    }
    C mean = sumBlock(sum) / C(width);
    C squares = C(0);
    for (Size i = threadIdx.x * count; i < width; i += step) {
        Four<C> v = getColumns(in, i, count);
        for (int k = 0; k < count; k++) squares += (v.at[k] - mean) * (v.at[k] - mean);
    }
    C rate = C(1) / sqrt(sumBlock(squares) / C(width) + C(epsilon));
    for (Size i = threadIdx.x * count; i < width; i += step) {
        Four<C> v = getColumns(in, i, count);
        for (int k = 0; k < count; k++) v.at[k] = (v.at[k] - mean) * rate * weight[i + k] + bias[i + k];
        putColumns(out, i, v, count);
    }
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
    const X *in = x + blockIdx.x * width;
    const G *upstream = dy + blockIdx.x * width;
    bool fours = width % 4 == 0 && inFours(x) && inFours(dy) && inFours(dx);
    int count = fours ? 4 : 1;
    Size step = (Size)blockDim.x * count;
    C mean = means[blockIdx.x];
    C rate = rates[blockIdx.x];
    C sum = C(0);
    C along = C(0);
    for (Size i = threadIdx.x * count; i < width; i += step) {
        Four<C> g = getColumns(upstream, i, count);
        Four<C> v = getColumns(in, i, count);
        for (int k = 0; k < count; k++) {
            g.at[k] *= weight[i + k];
            sum += g.at[k];
            along += g.at[k] * (v.at[k] - mean) * rate;
        }
    }
    sum = sumBlock(sum) / C(width);
    along = sumBlock(along) / C(width);
    for (Size i = threadIdx.x * count; i < width; i += step) {
        Four<C> g = getColumns(upstream, i, count);
        Four<C> v = getColumns(in, i, count);
        for (int k = 0; k < count; k++)
            v.at[k] = rate * (g.at[k] * weight[i + k] - sum - (v.at[k] - mean) * rate * along);
        putColumns(dx, blockIdx.x * width + i, v, count);
    }
}

template <typename G, typename X>
__device__ inline void layerNormWeightGradient(
    const G *dy, const X *x, const Compute<X> *means, const Compute<X> *rates, Compute<X> *dWeight, Compute<X> *dBias,
    Size rows, Size width, Size length) {
    typedef Compute<X> C;
    bool fours = width % 4 == 0 && inFours(x) && inFours(dy);
    EACH(i, columnStretches(rows, width, length, fours)) {
        ColumnStretch s = columnStretch(i, rows, width, length, fours);
        Four<C> weightSum = {}, biasSum = {};
        for (Size row = s.from; row < s.to; row++) {
            Four<C> g = getColumns(dy, row * width + s.column, s.columns);
            Four<C> v = getColumns(x, row * width + s.column, s.columns);
            C mean = means[row], rate = rates[row];
            for (int k = 0; k < s.columns; k++) {
                weightSum.at[k] += g.at[k] * (v.at[k] - mean) * rate;
                biasSum.at[k] += g.at[k];
            }
        }
        putColumns(dWeight, s.index * width + s.column, weightSum, s.columns);
        putColumns(dBias, s.index * width + s.column, biasSum, s.columns);
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
