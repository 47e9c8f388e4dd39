// The loss of stage 2, a block for each row [width]: its share of the mean distance, and the gradient by the student,
// (student - teacher) / (distance rows), zero where the distance is. What is written is read again from cache.

#include "common.cuh"

template <int COLUMNS, typename T>
__device__ inline void distance(const T *teacher, const T *student, Compute<T> *losses, T *gradient, Size width) {
    typedef Compute<T> C;
    Size base = blockIdx.x * width;
    Size step = (Size)blockDim.x * COLUMNS;
    C squares = C(0);
    for (Size i = threadIdx.x * COLUMNS; i < width; i += step) {
        Four<C> t = getColumns<COLUMNS>(teacher, base + i);
        Four<C> s = getColumns<COLUMNS>(student, base + i);
        for (int k = 0; k < COLUMNS; k++) squares += (s.at[k] - t.at[k]) * (s.at[k] - t.at[k]);
    }
    C norm = sqrt(sumBlock(squares));
    if (threadIdx.x == 0) losses[blockIdx.x] = norm / C(gridDim.x);
    C scale = norm == C(0) ? C(0) : C(1) / (norm * C(gridDim.x));
    for (Size i = threadIdx.x * COLUMNS; gradient && i < width; i += step) {
        Four<C> t = getColumns<COLUMNS>(teacher, base + i);
        Four<C> s = getColumns<COLUMNS>(student, base + i);
        for (int k = 0; k < COLUMNS; k++) s.at[k] = (s.at[k] - t.at[k]) * scale;
        putColumns<COLUMNS>(gradient, base + i, s);
    }
}

#define DISTANCE(T, suffix)                                                                                            \
    extern "C" __global__ void distance_##suffix(                                                                      \
        const T *teacher, const T *student, Compute<T> *losses, T *gradient, Size width) {                             \
        if (width % 4 == 0 && inFours(teacher) && inFours(student))                                                    \
            distance<4>(teacher, student, losses, gradient, width);                                                    \
        else                                                                                                           \
            distance<1>(teacher, student, losses, gradient, width);                                                    \
    }

FOR_ACTIVATIONS(DISTANCE)
