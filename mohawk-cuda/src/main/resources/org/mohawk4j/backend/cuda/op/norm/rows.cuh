// Rows that threads keep while they are normalized. LANES threads share a row, LANE is which of them this one is; FOURS
// is how many groups of four neighbors a thread keeps, 0 where rows do not lie in fours or are too long: then they are
// read again from cache.

#pragma once

#include "common.cuh"

#if FOURS > 0
#define COLUMNS 4
#define KEPT FOURS
#else
#define COLUMNS 1
#define KEPT 1
#endif

// The groups of a row that this thread takes.
template <typename Body>
__device__ inline void eachGroup(Size width, Body body) {
#if FOURS > 0
#pragma unroll
    for (int slot = 0; slot < FOURS; slot++) {
        Size i = ((Size)slot * LANES + LANE) * COLUMNS;
        if (i < width) body(slot, i);
    }
#else
    for (Size i = LANE; i < width; i += LANES) body(0, i);
#endif
}

template <typename T>
struct Row {
    typedef Four<Compute<T>> Group;
    const T *from;
    Group kept[KEPT];

    __device__ inline explicit Row(const T *from) : from(from) {}

    __device__ inline void load(int slot, Size i) {
        if (FOURS > 0) kept[slot] = getColumns<COLUMNS>(from, i);
    }

    __device__ inline Group at(int slot, Size i) const {
        return FOURS > 0 ? kept[slot] : getColumns<COLUMNS>(from, i);
    }
};

// The number that is kept of one.
__device__ inline float roundedTo(const float *, float x) { return x; }
__device__ inline double roundedTo(const double *, double x) { return x; }
__device__ inline float roundedTo(const Bf16 *, float x) { return fromBf16(toBf16(x)); }

template <typename C>
__device__ inline Four<float> toFloats(const Four<C> &v) {
    Four<float> y;
    for (int k = 0; k < COLUMNS; k++) y.at[k] = (float)v.at[k];
    return y;
}
