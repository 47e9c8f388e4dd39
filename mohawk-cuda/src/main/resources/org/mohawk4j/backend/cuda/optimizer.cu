// AdamW (Loshchilov and Hutter 2019) as PyTorch applies it, over all parameters in one launch: a block takes a
// stretch of one parameter. Reads four arrays and writes three, so memory bandwidth is the limit.
// The norm of all gradients goes the same way: a partial sum per block, added up in order by one block.

// One stretch of a parameter.
struct Piece {
    Size value;
    Size gradient;
    Size firstMoment;
    Size secondMoment;
    Size count;
    Size decayed;
};

#define OPTIMIZER(T, suffix)                                                                                           \
    extern "C" __global__ void adamw_##suffix(                                                                         \
        const Piece *pieces, const T *gradientScale, double learningRate, double beta1, double beta2, double epsilon,  \
        double weightDecay, double correction1, double correction2) {                                                  \
        Piece piece = pieces[blockIdx.x];                                                                              \
        T *value = (T *)piece.value;                                                                                   \
        const T *gradient = (const T *)piece.gradient;                                                                 \
        T *first = (T *)piece.firstMoment;                                                                             \
        T *second = (T *)piece.secondMoment;                                                                           \
        T scale = *gradientScale;                                                                                      \
        T kept = piece.decayed ? T(1 - learningRate * weightDecay) : T(1);                                             \
        T step = T(learningRate / correction1);                                                                        \
        T root = T(sqrt(correction2));                                                                                 \
        for (Size i = threadIdx.x; i < piece.count; i += blockDim.x) {                                                 \
            T g = gradient[i] * scale;                                                                                 \
            T m = first[i] * T(beta1) + g * T(1 - beta1);                                                              \
            T v = second[i] * T(beta2) + g * g * T(1 - beta2);                                                         \
            first[i] = m;                                                                                              \
            second[i] = v;                                                                                             \
            value[i] = value[i] * kept - step * m / (sqrt(v) / root + T(epsilon));                                     \
        }                                                                                                              \
    }                                                                                                                  \
    extern "C" __global__ void squares_##suffix(const Piece *pieces, T *parts) {                                       \
        Piece piece = pieces[blockIdx.x];                                                                              \
        const T *gradient = (const T *)piece.gradient;                                                                 \
        T sum = T(0);                                                                                                  \
        for (Size i = threadIdx.x; i < piece.count; i += blockDim.x) sum += gradient[i] * gradient[i];                 \
        sum = sumBlock(sum);                                                                                           \
        if (threadIdx.x == 0) parts[blockIdx.x] = sum;                                                                 \
    }                                                                                                                  \
    extern "C" __global__ void root_of_sum_##suffix(const T *parts, T *y, Size count) {                                \
        T sum = T(0);                                                                                                  \
        for (Size i = threadIdx.x; i < count; i += blockDim.x) sum += parts[i];                                        \
        sum = sumBlock(sum);                                                                                           \
        if (threadIdx.x == 0) *y = sqrt(sum);                                                                          \
    }

FOR_FLOATING(OPTIMIZER)
