// The loss of stage 2, a block for each row [width]: its share of the mean distance, and the gradient by the student,
// (student - teacher) / (distance rows), zero where the distance is. What is written is read again from cache.

template <typename T>
__device__ inline void distance(const T *teacher, const T *student, Compute<T> *losses, T *gradient, Size width) {
    typedef Compute<T> C;
    Size base = blockIdx.x * width;
    bool fours = width % 4 == 0 && inFours(teacher) && inFours(student) && (!gradient || inFours(gradient));
    int count = fours ? 4 : 1;
    Size step = (Size)blockDim.x * count;
    C squares = C(0);
    for (Size i = threadIdx.x * count; i < width; i += step) {
        Four<C> t = getColumns(teacher, base + i, count);
        Four<C> s = getColumns(student, base + i, count);
        for (int k = 0; k < count; k++) squares += (s.at[k] - t.at[k]) * (s.at[k] - t.at[k]);
    }
    C norm = sqrt(sumBlock(squares));
    if (threadIdx.x == 0) losses[blockIdx.x] = norm / C(gridDim.x);
    C scale = norm == C(0) ? C(0) : C(1) / (norm * C(gridDim.x));
    for (Size i = threadIdx.x * count; gradient && i < width; i += step) {
        Four<C> t = getColumns(teacher, base + i, count);
        Four<C> s = getColumns(student, base + i, count);
        for (int k = 0; k < count; k++) s.at[k] = (s.at[k] - t.at[k]) * scale;
        putColumns(gradient, base + i, s, count);
    }
}

#define DISTANCE(T, suffix)                                                                                            \
    extern "C" __global__ void distance_##suffix(                                                                      \
        const T *teacher, const T *student, Compute<T> *losses, T *gradient, Size width) {                             \
        distance(teacher, student, losses, gradient, width);                                                           \
    }

FOR_ACTIVATIONS(DISTANCE)
