// Sums along the diagonals of lower triangles [B, T, T], as the calibration of a student takes them of a teacher's matrix A
// and of its own scores S. A thread has one lag; S_k[t, s] is S[t, s + k] where s + k <= t, else 0.
//
//   lag_sums_matrix  A, A A, and A S_k for k < shifts
//   lag_sums_scores  S_j for j < shifts, then S_j S_k for k <= j
//
// Rows are divided into stretches of LENGTH; parts [B stretches, sums, T] are of one stretch of one sequence each. Numbers
// of a row that threads share are read from cache.

#include "common.cuh"

#define MOST_SHIFTS 8
#define LENGTH 128

// Read by the host.
extern "C" __device__ const int lagSumsSizes[2] = {MOST_SHIFTS, LENGTH};

// What a block does: rows [from, to) of a sequence, and its thread's lag.
struct Stretch {
    Size lag;
    Size from;
    Size to;
    Size sequence;

    __device__ inline explicit Stretch(Size time) {
        Size stretches = (time + LENGTH - 1) / LENGTH;
        lag = blockIdx.x * (Size)blockDim.x + threadIdx.x;
        from = blockIdx.y % stretches * LENGTH;
        to = from + LENGTH < time ? from + LENGTH : time;
        from = from < lag ? lag : from;
        sequence = blockIdx.y / stretches;
    }
};

template <typename T>
__device__ inline void matrix(const T *a, const T *s, T *parts, Size time, int shifts) {
    Stretch own(time);
    if (own.lag >= time) return;
    T sum = T(0), squares = T(0), products[MOST_SHIFTS] = {};
    for (Size t = own.from; t < own.to; t++) {
        Size at = (own.sequence * time + t) * time + t - own.lag;
        T value = a[at];
        sum += value;
        squares += value * value;
#pragma unroll
        for (int k = 0; k < MOST_SHIFTS; k++)
            if (k < shifts && k <= own.lag) products[k] += value * s[at + k];
    }
    T *y = parts + blockIdx.y * (2 + (Size)shifts) * time + own.lag;
    y[0] = sum;
    y[time] = squares;
#pragma unroll
    for (int k = 0; k < MOST_SHIFTS; k++)
        if (k < shifts) y[(2 + k) * time] = products[k];
}

template <typename T>
__device__ inline void scores(const T *s, T *parts, Size time, int shifts) {
    Stretch own(time);
    if (own.lag >= time) return;
    T sums[MOST_SHIFTS] = {}, products[MOST_SHIFTS * (MOST_SHIFTS + 1) / 2] = {};
    for (Size t = own.from; t < own.to; t++) {
        Size at = (own.sequence * time + t) * time + t - own.lag;
        T shifted[MOST_SHIFTS];
#pragma unroll
        for (int j = 0; j < MOST_SHIFTS; j++) {
            shifted[j] = j < shifts && j <= own.lag ? s[at + j] : T(0);
            sums[j] += shifted[j];
#pragma unroll
            for (int k = 0; k <= j; k++) products[j * (j + 1) / 2 + k] += shifted[j] * shifted[k];
        }
    }
    T *y = parts + blockIdx.y * (shifts + (Size)shifts * (shifts + 1) / 2) * time + own.lag;
#pragma unroll
    for (int j = 0; j < MOST_SHIFTS; j++)
        if (j < shifts) {
            y[j * time] = sums[j];
#pragma unroll
            for (int k = 0; k <= j; k++) y[(shifts + j * (j + 1) / 2 + k) * time] = products[j * (j + 1) / 2 + k];
        }
}

#define LAG_SUMS(T, suffix)                                                                                            \
    extern "C" __global__ void lag_sums_matrix_##suffix(const T *a, const T *s, T *parts, Size time, int shifts) {     \
        matrix(a, s, parts, time, shifts);                                                                             \
    }                                                                                                                  \
    extern "C" __global__ void lag_sums_scores_##suffix(const T *s, T *parts, Size time, int shifts) {                 \
        scores(s, parts, time, shifts);                                                                                \
    }

FOR_FLOATING(LAG_SUMS)
