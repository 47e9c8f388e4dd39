// Distances of rows [width], a block for each: its share of the mean distance, and the gradient by the student,
// (student - teacher) / (distance rows), zero where the distance is. As it is, this is the loss of stage 2. RELATIVE
// divides both by the norm of the teacher's row, for the hidden-state loss of stage 3: where that norm is zero, the
// distance is infinite, or NaN if the student's row is zero as well. What is written is read again from cache.

#include "common.cuh"

template <int COLUMNS, bool RELATIVE, typename T>
__device__ inline void distance(const T *teacher, const T *student, Compute<T> *losses, T *gradient, Size width) {
    typedef Compute<T> C;
    Size base = blockIdx.x * width;
    Size step = (Size)blockDim.x * COLUMNS;
    C squares = C(0), teacherSquares = C(0);
    for (Size i = threadIdx.x * COLUMNS; i < width; i += step) {
        Four<C> t = getColumns<COLUMNS>(teacher, base + i);
        Four<C> s = getColumns<COLUMNS>(student, base + i);
        for (int k = 0; k < COLUMNS; k++) {
            squares += (s.at[k] - t.at[k]) * (s.at[k] - t.at[k]);
            if (RELATIVE) teacherSquares += t.at[k] * t.at[k];
        }
    }
    C norm = sqrt(sumBlock(squares));
    C unit = RELATIVE ? sqrt(sumBlock(teacherSquares)) : C(1);
    if (threadIdx.x == 0) losses[blockIdx.x] = norm / (unit * C(gridDim.x));
    C scale = norm == C(0) ? C(0) : C(1) / (norm * unit * C(gridDim.x));
    for (Size i = threadIdx.x * COLUMNS; gradient && i < width; i += step) {
        Four<C> t = getColumns<COLUMNS>(teacher, base + i);
        Four<C> s = getColumns<COLUMNS>(student, base + i);
        for (int k = 0; k < COLUMNS; k++) s.at[k] = (s.at[k] - t.at[k]) * scale;
        putColumns<COLUMNS>(gradient, base + i, s);
    }
}

#define KERNEL(name, RELATIVE, T)                                                                                      \
    extern "C" __global__ void name(                                                                                   \
        const T *teacher, const T *student, Compute<T> *losses, T *gradient, Size width) {                             \
        if (width % 4 == 0 && inFours(teacher) && inFours(student))                                                    \
            distance<4, RELATIVE>(teacher, student, losses, gradient, width);                                          \
        else                                                                                                           \
            distance<1, RELATIVE>(teacher, student, losses, gradient, width);                                          \
    }

#define DISTANCES(T, suffix)                                                                                           \
    KERNEL(distance_##suffix, false, T)                                                                                \
    KERNEL(relative_distance_##suffix, true, T)

FOR_ACTIVATIONS(DISTANCES)
