// Sums, maxima, running sums and softmax. Every order of summation is fixed by the shape, so runs repeat bit for bit.
// x is [outer, reduced, inner]. Long reductions go in segments, whose results [outer, segments, inner] are reduced again.

#include "common.cuh"

// Sums of narrow numbers are kept in what they are computed in.
#define REDUCTION(T, suffix)                                                                                           \
    /* inner 1, a warp for each row */                                                                                 \
    extern "C" __global__ void reduce_short_rows_##suffix(                                                             \
        int op, const T *x, Compute<T> *y, Size outer, Size reduced) {                                                 \
        Size row = (blockIdx.x * (Size)blockDim.x + threadIdx.x) / WARP;                                               \
        if (row >= outer) return;                                                                                      \
        Compute<T> part = start<Compute<T>>(op);                                                                       \
        for (Size i = threadIdx.x % WARP; i < reduced; i += WARP)                                                      \
            part = combine(op, part, get(x, row * reduced + i));                                                       \
        part = combineWarp(op, part);                                                                                  \
        if (threadIdx.x % WARP == 0) y[row] = part;                                                                    \
    }                                                                                                                  \
    /* inner 1, a block for each segment of a row */                                                                   \
    extern "C" __global__ void reduce_rows_##suffix(                                                                   \
        int op, const T *x, Compute<T> *y, Size reduced, Size length) {                                                \
        Size from = blockIdx.y * length;                                                                               \
        Size to = from + length < reduced ? from + length : reduced;                                                   \
        Compute<T> part = start<Compute<T>>(op);                                                                       \
        for (Size i = from + threadIdx.x; i < to; i += blockDim.x)                                                     \
            part = combine(op, part, get(x, blockIdx.x * reduced + i));                                                \
        part = combineBlock(op, part);                                                                                 \
        if (threadIdx.x == 0) y[blockIdx.x * (Size)gridDim.y + blockIdx.y] = part;                                     \
    }                                                                                                                  \
    /* a thread for each segment of a column */                                                                        \
    extern "C" __global__ void reduce_columns_##suffix(                                                                \
        int op, const T *__restrict__ x, Compute<T> *__restrict__ y, Size outer, Size reduced, Size inner,             \
        Size segments, Size length) {         \
        EACH(i, outer * segments * inner) {                                                                            \
            Size column = remainder(i, inner);                                                                         \
            Size segment = remainder(quotient(i, inner), segments);                                                                       \
            Size from = segment * length;                                                                              \
            Size to = from + length < reduced ? from + length : reduced;                                               \
            const T *base = x + quotient(i, inner * segments) * reduced * inner + column;                                   \
            Compute<T> part = start<Compute<T>>(op);                                                                   \
            _Pragma("unroll 8")                                                                                        \
            for (Size k = from; k < to; k++) part = combine(op, part, get(base, k * inner));                           \
            y[i] = part;                                                                                               \
        }                                                                                                              \
    }                                                                                                                  \
    /* inner 1, a block for each row, as many columns at a time as it has threads */                                   \
    extern "C" __global__ void running_sum_rows_##suffix(const T *x, T *y, Size extent, int reverse) {                 \
        __shared__ Compute<T> warps[WARP];                                                                             \
        const T *in = x + blockIdx.x * extent;                                                                         \
        T *out = y + blockIdx.x * extent;                                                                              \
        int lane = threadIdx.x % WARP;                                                                                 \
        int warp = threadIdx.x / WARP;                                                                                 \
        Compute<T> carried = 0;                                                                                        \
        for (Size from = 0; from < extent; from += blockDim.x) {                                                       \
            Size i = from + threadIdx.x;                                                                               \
            Size place = reverse ? extent - 1 - i : i;                                                                 \
            Compute<T> sum = i < extent ? get(in, place) : Compute<T>(0);                                              \
            for (int step = 1; step < WARP; step *= 2) {                                                               \
                Compute<T> before = __shfl_up_sync(ALL_LANES, sum, step);                                              \
                if (lane >= step) sum += before;                                                                       \
            }                                                                                                          \
            if (lane == WARP - 1) warps[warp] = sum;                                                                   \
            __syncthreads();                                                                                           \
            Compute<T> before = carried;                                                                               \
            for (int w = 0; w < warp; w++) before += warps[w];                                                         \
            for (int w = 0; w < blockDim.x / WARP; w++) carried += warps[w];                                           \
            if (i < extent) put(out, place, before + sum);                                                             \
            __syncthreads();                                                                                           \
        }                                                                                                              \
    }                                                                                                                  \
    extern "C" __global__ void running_sum_columns_##suffix(                                                           \
        const T *x, T *y, Size outer, Size extent, Size inner, int reverse) {                                          \
        EACH(i, outer * inner) {                                                                                       \
            Size base = i / inner * extent * inner + i % inner;                                                        \
            Compute<T> sum = 0;                                                                                        \
            for (Size k = 0; k < extent; k++) {                                                                        \
                Size place = base + (reverse ? extent - 1 - k : k) * inner;                                            \
                sum += get(x, place);                                                                                  \
                put(y, place, sum);                                                                                    \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    /* a block for each row */                                                                                         \
    extern "C" __global__ void softmax_##suffix(const T *x, T *y, Size columns) {                                      \
        const T *in = x + blockIdx.x * columns;                                                                        \
        T *out = y + blockIdx.x * columns;                                                                             \
        Compute<T> largest = start<Compute<T>>(MAX);                                                                   \
        for (Size i = threadIdx.x; i < columns; i += blockDim.x) largest = combine(MAX, largest, get(in, i));          \
        largest = combineBlock(MAX, largest);                                                                          \
        Compute<T> sum = 0;                                                                                            \
        for (Size i = threadIdx.x; i < columns; i += blockDim.x) sum += exp(get(in, i) - largest);                     \
        sum = combineBlock(SUM, sum);                                                                                  \
        for (Size i = threadIdx.x; i < columns; i += blockDim.x) put(out, i, exp(get(in, i) - largest) / sum);         \
    }

FOR_ACTIVATIONS(REDUCTION)

// A block for each segment of a row; of equal numbers the first. The places are columns, or what names [rows, columns] says
// of them; values, if they are wanted, are the numbers there.
template <typename T>
__device__ inline void argMax(
    const T *x, const int *names, Compute<T> *values, int *y, Size columns, Size length) {
    const int NONE = 0x7fffffff;
    __shared__ Compute<T> largest[WARP];
    __shared__ int places[WARP];
    launchDependents();
    gridDependencySync();
    Size first = blockIdx.x * columns;
    Size from = blockIdx.y * length;
    Size to = from + length < columns ? from + length : columns;
    Compute<T> best = start<Compute<T>>(MAX);
    int place = NONE;
    for (Size i = from + threadIdx.x; i < to; i += blockDim.x) {
        if (get(x, first + i) > best) {
            best = get(x, first + i);
            place = names ? names[first + i] : (int)i;
        }
    }
    for (int step = WARP / 2; step > 0; step /= 2) {
        Compute<T> other = __shfl_xor_sync(ALL_LANES, best, step);
        int otherPlace = __shfl_xor_sync(ALL_LANES, place, step);
        if (other > best || (other == best && otherPlace < place)) {
            best = other;
            place = otherPlace;
        }
    }
    if (threadIdx.x % WARP == 0) {
        largest[threadIdx.x / WARP] = best;
        places[threadIdx.x / WARP] = place;
    }
    __syncthreads();
    if (threadIdx.x == 0) {
        for (int warp = 1; warp < blockDim.x / WARP; warp++) {
            if (largest[warp] > best || (largest[warp] == best && places[warp] < place)) {
                best = largest[warp];
                place = places[warp];
            }
        }
        Size result = blockIdx.x * (Size)gridDim.y + blockIdx.y;
        y[result] = place == NONE ? 0 : place;
        if (values) values[result] = best;
    }
}

#define ARG_MAX(T, suffix)                                                                                             \
    extern "C" __global__ void arg_max_##suffix(                                                                       \
        const T *x, const int *names, Compute<T> *values, int *y, Size columns, Size length) {                         \
        argMax(x, names, values, y, columns, length);                                                                  \
    }

FOR_ACTIVATIONS(ARG_MAX)
