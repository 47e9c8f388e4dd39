// Layer normalisation of rows [rows, width], biased variance. Forward reads x once (a row stays in cache) and writes y;
// it saves each row's mean and reciprocal deviation. Backward by the input reads x and dy; by weight and bias it sums
// over stretches of rows first, and over the stretches after, always in the same order.

#define LAYER_NORM(T, suffix)                                                                                          \
    extern "C" __global__ void layer_norm_##suffix(                                                                    \
        const T *x, const T *weight, const T *bias, T *y, T *means, T *rates, Size width, double epsilon) {            \
        const T *in = x + blockIdx.x * width;                                                                          \
        T sum = T(0);                                                                                                  \
        for (Size i = threadIdx.x; i < width; i += blockDim.x) sum += in[i];                                           \
        T mean = sumBlock(sum) / T(width);                                                                             \
        T squares = T(0);                                                                                              \
        for (Size i = threadIdx.x; i < width; i += blockDim.x) squares += (in[i] - mean) * (in[i] - mean);             \
        T rate = T(1) / sqrt(sumBlock(squares) / T(width) + T(epsilon));                                               \
        for (Size i = threadIdx.x; i < width; i += blockDim.x)                                                         \
            y[blockIdx.x * width + i] = (in[i] - mean) * rate * weight[i] + bias[i];                                   \
        if (threadIdx.x == 0) {                                                                                        \
            means[blockIdx.x] = mean;                                                                                  \
            rates[blockIdx.x] = rate;                                                                                  \
        }                                                                                                              \
    }                                                                                                                  \
    extern "C" __global__ void layer_norm_input_gradient_##suffix(                                                     \
        const T *dy, const T *x, const T *weight, const T *means, const T *rates, T *dx, Size width) {                 \
        const T *in = x + blockIdx.x * width;                                                                          \
        const T *upstream = dy + blockIdx.x * width;                                                                   \
        T mean = means[blockIdx.x];                                                                                    \
        T rate = rates[blockIdx.x];                                                                                    \
        T sum = T(0);                                                                                                  \
        T along = T(0);                                                                                                \
        for (Size i = threadIdx.x; i < width; i += blockDim.x) {                                                       \
            T g = upstream[i] * weight[i];                                                                             \
            sum += g;                                                                                                  \
            along += g * (in[i] - mean) * rate;                                                                        \
        }                                                                                                              \
        sum = sumBlock(sum) / T(width);                                                                                \
        along = sumBlock(along) / T(width);                                                                            \
        for (Size i = threadIdx.x; i < width; i += blockDim.x)                                                         \
            dx[blockIdx.x * width + i] =                                                                               \
                rate * (upstream[i] * weight[i] - sum - (in[i] - mean) * rate * along);                                \
    }                                                                                                                  \
    /* a thread for each column and stretch of rows */                                                                 \
    extern "C" __global__ void layer_norm_weight_gradient_##suffix(                                                    \
        const T *dy, const T *x, const T *means, const T *rates, T *dWeight, T *dBias, Size rows, Size width,          \
        Size length) {                                                                                                 \
        Size stretches = (rows + length - 1) / length;                                                                 \
        EACH(i, stretches * width) {                                                                                   \
            Size column = i % width;                                                                                   \
            Size from = i / width * length;                                                                            \
            Size to = from + length < rows ? from + length : rows;                                                     \
            T weightSum = T(0);                                                                                        \
            T biasSum = T(0);                                                                                          \
            for (Size r = from; r < to; r++) {                                                                         \
                T g = dy[r * width + column];                                                                          \
                weightSum += g * (x[r * width + column] - means[r]) * rates[r];                                        \
                biasSum += g;                                                                                          \
            }                                                                                                          \
            dWeight[i] = weightSum;                                                                                    \
            dBias[i] = biasSum;                                                                                        \
        }                                                                                                              \
    }

FOR_FLOATING(LAYER_NORM)
