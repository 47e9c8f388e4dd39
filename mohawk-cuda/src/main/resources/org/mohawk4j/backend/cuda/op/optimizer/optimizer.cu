// AdamW (Loshchilov and Hutter 2019) as PyTorch applies it, over all parameters in one launch: a block takes a
// stretch of one parameter, which it finds in a table of all. Reads four arrays and writes three, so memory bandwidth is
// the limit. The norm of all gradients goes the same way: a partial sum per block, added up in order by one block.

#include "common.cuh"

// A parameter or a part of one, of which block `first` takes the first stretch; or such a stretch.
struct Piece {
    Size value;
    Size gradient;
    Size firstMoment;
    Size secondMoment;
    Size count;
    double rateFactor;
    double weightDecay;
    Size first;
};

// This block's stretch of the last piece that begins no later than it.
template <typename T>
__device__ inline Piece ownPiece(const Piece *table, Size pieces, Size stretch) {
    Size low = 0, high = pieces;
    while (high - low > 1) {
        Size middle = (low + high) / 2;
        if (table[middle].first <= blockIdx.x) {
            low = middle;
        } else {
            high = middle;
        }
    }
    Piece piece = table[low];
    Size from = (blockIdx.x - piece.first) * stretch;
    piece.value += from * sizeof(T);
    piece.gradient += from * sizeof(T);
    piece.firstMoment += from * sizeof(T);
    piece.secondMoment += from * sizeof(T);
    piece.count = piece.count - from < stretch ? piece.count - from : stretch;
    return piece;
}

struct Rates {
    double learningRate;
    double beta1;
    double beta2;
    double epsilon;
    double correction1;
    double correction2;
};

template <int COLUMNS, typename T>
__device__ inline void adamw(const Piece &piece, T scale, const Rates &r) {
    T *value = (T *)piece.value;
    const T *gradient = (const T *)piece.gradient;
    T *first = (T *)piece.firstMoment;
    T *second = (T *)piece.secondMoment;
    double learningRate = r.learningRate * piece.rateFactor;
    T kept = T(1 - learningRate * piece.weightDecay);
    T step = T(learningRate / r.correction1);
    T root = T(sqrt(r.correction2));
    for (Size i = threadIdx.x * COLUMNS; i < piece.count; i += blockDim.x * COLUMNS) {
        Four<T> g = getColumns<COLUMNS>(gradient, i);
        Four<T> m = getColumns<COLUMNS>(first, i);
        Four<T> v = getColumns<COLUMNS>(second, i);
        Four<T> p = getColumns<COLUMNS>(value, i);
        for (int k = 0; k < COLUMNS; k++) {
            g.at[k] *= scale;
            m.at[k] = m.at[k] * T(r.beta1) + g.at[k] * T(1 - r.beta1);
            v.at[k] = v.at[k] * T(r.beta2) + g.at[k] * g.at[k] * T(1 - r.beta2);
            p.at[k] = p.at[k] * kept - step * m.at[k] / (sqrt(v.at[k]) / root + T(r.epsilon));
        }
        putColumns<COLUMNS>(first, i, m);
        putColumns<COLUMNS>(second, i, v);
        putColumns<COLUMNS>(value, i, p);
    }
}

template <int COLUMNS, typename T>
__device__ inline T squares(const T *gradient, Size count) {
    T sum = T(0);
#pragma unroll 4
    for (Size i = threadIdx.x * COLUMNS; i < count; i += blockDim.x * COLUMNS) {
        Four<T> g = getColumns<COLUMNS>(gradient, i);
        for (int k = 0; k < COLUMNS; k++) sum += g.at[k] * g.at[k];
    }
    return sum;
}

#define OPTIMIZER(T, suffix)                                                                                           \
    extern "C" __global__ void adamw_##suffix(                                                                         \
        const Piece *table, Size pieces, Size stretch, const T *gradientScale, double learningRate, double beta1,      \
        double beta2, double epsilon, double correction1, double correction2) {                                        \
        Piece piece = ownPiece<T>(table, pieces, stretch);                                                             \
        Rates rates = {learningRate, beta1, beta2, epsilon, correction1, correction2};                                 \
        bool fours = piece.count % 4 == 0 && inFours((T *)piece.value) && inFours((T *)piece.gradient)                 \
            && inFours((T *)piece.firstMoment) && inFours((T *)piece.secondMoment);                                    \
        if (fours)                                                                                                     \
            adamw<4>(piece, *gradientScale, rates);                                                                    \
        else                                                                                                           \
            adamw<1>(piece, *gradientScale, rates);                                                                    \
    }                                                                                                                  \
    extern "C" __global__ void squares_##suffix(const Piece *table, Size pieces, Size stretch, T *parts) {             \
        Piece piece = ownPiece<T>(table, pieces, stretch);                                                             \
        const T *gradient = (const T *)piece.gradient;                                                                 \
        bool fours = piece.count % 4 == 0 && inFours(gradient);                                                        \
        T sum = sumBlock(fours ? squares<4>(gradient, piece.count) : squares<1>(gradient, piece.count));               \
        if (threadIdx.x == 0) parts[blockIdx.x] = sum;                                                                 \
    }                                                                                                                  \
    extern "C" __global__ void root_of_sum_##suffix(const T *parts, T *y, Size count) {                                \
        T sum = T(0);                                                                                                  \
        for (Size i = threadIdx.x; i < count; i += blockDim.x) sum += parts[i];                                        \
        sum = sumBlock(sum);                                                                                           \
        if (threadIdx.x == 0) *y = sqrt(sum);                                                                          \
    }

FOR_FLOATING(OPTIMIZER)
