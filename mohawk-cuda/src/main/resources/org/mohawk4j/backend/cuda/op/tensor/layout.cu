// Rearranging, and rows by index. Bytes are moved, so elements have a width and no type.

#include "common.cuh"

#define COPY(T, bytes)                                                                                                 \
    /* right side to left side */                                                                                      \
    extern "C" __global__ void copy_strided_##bytes(T *target, const T *source, Size n, Indexing at) {                 \
        EACH(i, n) {                                                                                                   \
            Size left, right;                                                                                          \
            locate(at, i, n, left, right);                                                                             \
            target[left] = source[right];                                                                              \
        }                                                                                                              \
    }                                                                                                                  \
    extern "C" __global__ void gather_rows_##bytes(const T *table, const int *ids, T *y, Size n, Size width) {         \
        EACH(i, n) y[i] = table[ids[i / width] * width + i % width];                                                   \
    }

COPY(unsigned short, 2)
COPY(unsigned int, 4)
COPY(unsigned long long, 8)
COPY(uint4, 16)

// A block for each id: the first of equal ones adds up all their rows in order, the others have nothing to do. No
// atomics, one order. The ids are read once per id, from cache. y is zero before.
#define SCATTER(T, suffix)                                                                                             \
    extern "C" __global__ void scatter_add_rows_##suffix(                                                              \
        const T *rows, const int *ids, Compute<T> *y, Size count, Size width) {                                        \
        __shared__ int found[256];                                                                                     \
        __shared__ int before[256 / WARP];                                                                             \
        Size first = blockIdx.x;                                                                                       \
        int id = ids[first];                                                                                           \
        for (Size from = 0; from < first; from += blockDim.x) {                                                        \
            Size i = from + threadIdx.x;                                                                               \
            if (__syncthreads_or(i < first && ids[i] == id)) return;                                                   \
        }                                                                                                              \
        int lane = threadIdx.x % WARP;                                                                                 \
        int warp = threadIdx.x / WARP;                                                                                 \
        for (Size from = first; from < count; from += blockDim.x) {                                                    \
            Size i = from + threadIdx.x;                                                                               \
            bool own = i < count && ids[i] == id;                                                                      \
            if (!__syncthreads_or(own)) continue;                                                                      \
            unsigned mine = __ballot_sync(ALL_LANES, own);                                                             \
            if (lane == 0) before[warp] = __popc(mine);                                                                \
            __syncthreads();                                                                                           \
            int position = __popc(mine & ((1u << lane) - 1));                                                          \
            int total = 0;                                                                                             \
            for (int w = 0; w < blockDim.x / WARP; w++) {                                                              \
                if (w < warp) position += before[w];                                                                   \
                total += before[w];                                                                                    \
            }                                                                                                          \
            if (own) found[position] = (int)threadIdx.x;                                                               \
            __syncthreads();                                                                                           \
            for (Size k = threadIdx.x; k < width; k += blockDim.x) {                                                   \
                Compute<T> sum = y[id * width + k];                                                                    \
                for (int m = 0; m < total; m++) sum += get(rows, (from + found[m]) * width + k);                       \
                y[id * width + k] = sum;                                                                               \
            }                                                                                                          \
        }                                                                                                              \
    }

FOR_ACTIVATIONS(SCATTER)
