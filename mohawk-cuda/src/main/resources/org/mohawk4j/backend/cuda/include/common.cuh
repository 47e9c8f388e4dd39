// What every source of this folder includes. Numbers are row-major; sizes count elements.

#pragma once

typedef long long Size;

#define EACH(i, n)                                                                                                     \
    for (Size i = blockIdx.x * (Size)blockDim.x + threadIdx.x; i < (n); i += (Size)gridDim.x * blockDim.x)

// Division of 64-bit integers takes some ten times as long as of 32-bit ones, so it is left to those that need it.
__device__ inline Size quotient(Size a, Size b) {
    return ((a | b) >> 32) == 0 ? (Size)((unsigned)a / (unsigned)b) : a / b;
}

__device__ inline Size remainder(Size a, Size b) {
    return ((a | b) >> 32) == 0 ? (Size)((unsigned)a % (unsigned)b) : a % b;
}

#define WARP 32
#define ALL_LANES 0xffffffffu

// Codes of element types, as ElementType.java numbers them.
enum { F64 = 0, F32 = 1, F16 = 2, BF16 = 3, I64 = 4, I32 = 5 };

__device__ inline float fromBf16(unsigned short bits) { return __uint_as_float((unsigned)bits << 16); }

// Rounds to nearest, ties to even; NaN stays NaN.
__device__ inline unsigned short toBf16(float x) {
    unsigned short bits;
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(bits) : "f"(x));
    return bits;
}

// Two at once, the first in the lower half.
__device__ inline unsigned toBf16Pair(float first, float second) {
    unsigned packed;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(packed) : "f"(second), "f"(first));
    return packed;
}

// Of two in a word.
__device__ __forceinline__ float lowerBf16(unsigned pair) { return __uint_as_float(pair << 16); }
__device__ __forceinline__ float upperBf16(unsigned pair) { return __uint_as_float(pair & 0xffff0000u); }

__device__ inline float fromF16(unsigned short bits) {
    float x;
    asm("cvt.f32.f16 %0, %1;" : "=f"(x) : "h"(bits));
    return x;
}

__device__ inline unsigned short toF16(float x) {
    unsigned short bits;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(x));
    return bits;
}

// From here on the next kernel may take its place beside this one, if it was launched to overlap.
__device__ inline void launchDependents() {
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.launch_dependents;");
#endif
}

// Waits for the kernels before this one; nothing that they wrote may be read before. For kernels launched to overlap.
__device__ inline void gridDependencySync() {
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

// A barrier of the first so many threads of a block.
template <int THREADS_OF_BARRIER>
__device__ inline void syncFirst() {
    asm volatile("bar.sync 0, %0;" ::"n"(THREADS_OF_BARRIER) : "memory");
}

// Into the second cache: allowed before gridDependencySync, since what others write arrives there.
__device__ inline void prefetchL2(const void *p) { asm volatile("prefetch.global.L2 [%0];" ::"l"(p)); }

struct Bf16 {
    unsigned short bits;
};

// What numbers of a type are computed in.
template <typename T>
struct ComputeOf {
    typedef T Type;
};
template <>
struct ComputeOf<Bf16> {
    typedef float Type;
};
template <typename T>
using Compute = typename ComputeOf<T>::Type;

__device__ inline float get(const float *x, Size i) { return x[i]; }
__device__ inline double get(const double *x, Size i) { return x[i]; }
__device__ inline float get(const Bf16 *x, Size i) { return fromBf16(x[i].bits); }

__device__ inline void put(float *y, Size i, float value) { y[i] = value; }
__device__ inline void put(double *y, Size i, double value) { y[i] = value; }
__device__ inline void put(Bf16 *y, Size i, float value) { y[i].bits = toBf16(value); }

// Four neighbors at once: the width at which memory is read fast.
template <typename C>
struct Four {
    C at[4];
};

__device__ inline Four<float> getFour(const float *x, Size i) {
    float4 v = *(const float4 *)(x + i);
    return {{v.x, v.y, v.z, v.w}};
}
__device__ inline Four<double> getFour(const double *x, Size i) {
    return {{x[i], x[i + 1], x[i + 2], x[i + 3]}};
}
__device__ inline Four<float> getFour(const Bf16 *x, Size i) {
    uint2 v = *(const uint2 *)(x + i);
    return {{lowerBf16(v.x), upperBf16(v.x), lowerBf16(v.y), upperBf16(v.y)}};
}

__device__ inline void putFour(float *y, Size i, const Four<float> &v) {
    *(float4 *)(y + i) = make_float4(v.at[0], v.at[1], v.at[2], v.at[3]);
}
__device__ inline void putFour(double *y, Size i, const Four<double> &v) {
    for (int k = 0; k < 4; k++) y[i + k] = v.at[k];
}
__device__ inline void putFour(Bf16 *y, Size i, const Four<float> &v) {
    *(uint2 *)(y + i) = make_uint2(toBf16Pair(v.at[0], v.at[1]), toBf16Pair(v.at[2], v.at[3]));
}

// Whether getFour and putFour may be used from here on, in steps of four.
template <typename T>
__device__ inline bool inFours(const T *x) {
    return (Size)x % (4 * sizeof(T)) == 0;
}

// One or four columns of a row.
template <int COLUMNS, typename T>
__device__ inline Four<Compute<T>> getColumns(const T *x, Size i) {
    if (COLUMNS == 4) return getFour(x, i);
    Four<Compute<T>> v = {};
    v.at[0] = get(x, i);
    return v;
}

template <int COLUMNS, typename T>
__device__ inline void putColumns(T *y, Size i, const Four<Compute<T>> &v) {
    if (COLUMNS == 4) {
        putFour(y, i, v);
    } else {
        put(y, i, v.at[0]);
    }
}

// How numbers are stored: rounded to nearest or, in bfloat16, by deterministic dithered rounding: to one of the two
// neighbors, by a threshold between them that depends on the element's index alone. A number a third of the way up goes
// up at a third of all indices, so that what is shorter than the distance of neighbors is not lost where many numbers
// share it, and nothing is random.
// What is a bfloat16 already stays. Each stores neighbors from y on; a place of four is a multiple of four.
struct Nearest {
    template <int COLUMNS, typename T>
    __device__ static void put(T *y, Size place, const Four<Compute<T>> &v) {
        putColumns<COLUMNS>(y, 0, v);
    }
};

struct Dithered {
    // Of a place and its neighbor, 16 bits each, the first in the lower half (the finalizer of MurmurHash3).
    __device__ static unsigned thresholds(Size pair) {
        unsigned h = (unsigned)pair + 1;
        h = (h ^ (h >> 16)) * 0x85ebca6bu;
        h = (h ^ (h >> 13)) * 0xc2b2ae35u;
        return h ^ (h >> 16);
    }

    // The upper half is the result. NaN stays NaN.
    __device__ static unsigned lifted(float value, unsigned threshold) {
        unsigned bits = __float_as_uint(value);
        return value != value ? bits | 0x400000u : bits + threshold;
    }

    __device__ static unsigned two(float first, float second, Size pair) {
        unsigned t = thresholds(pair);
        return __byte_perm(lifted(first, t & 0xffffu), lifted(second, t >> 16), 0x7632);
    }

    template <int COLUMNS>
    __device__ static void put(Bf16 *y, Size place, const Four<float> &v) {
        if (COLUMNS == 4) {
            *(uint2 *)y = make_uint2(two(v.at[0], v.at[1], place / 2), two(v.at[2], v.at[3], place / 2 + 1));
        } else {
            unsigned both = two(v.at[0], v.at[0], place / 2);
            y->bits = (unsigned short)(place % 2 ? both >> 16 : both);
        }
    }

    template <int COLUMNS, typename T>
    __device__ static void put(T *y, Size place, const Four<T> &v) {
        putColumns<COLUMNS>(y, 0, v);
    }
};

// The part of a thread that adds up columns of [rows, width]: one column or four neighbors, and a stretch of rows. Sums
// of stretches are added up in order afterwards.
struct ColumnStretch {
    Size column;
    Size index;
    Size from;
    Size to;
};

template <int COLUMNS>
__device__ inline ColumnStretch columnStretch(Size i, Size rows, Size width, Size length) {
    Size across = width / COLUMNS;
    ColumnStretch s;
    s.column = remainder(i, across) * COLUMNS;
    s.index = quotient(i, across);
    s.from = s.index * length;
    s.to = s.from + length < rows ? s.from + length : rows;
    return s;
}

template <int COLUMNS>
__device__ inline Size columnStretches(Size rows, Size width, Size length) {
    return width / COLUMNS * ((rows + length - 1) / length);
}

// exp for numbers of a type: where eight bits are kept anyway, the fast one.
template <typename T>
__device__ inline Compute<T> expOf(Compute<T> x) {
    return exp(x);
}
template <>
__device__ inline float expOf<Bf16>(float x) {
    return __expf(x);
}

constexpr float LOG2E = 1.4426950408889634f;

__device__ __forceinline__ float exp2Approx(float x) {
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

__device__ __forceinline__ float infinity() { return __int_as_float(0x7f800000); }

template <typename T>
__device__ inline Compute<T> sigmoidOf(Compute<T> x) {
    return Compute<T>(1) / (Compute<T>(1) + exp(-x));
}
template <>
__device__ inline float sigmoidOf<Bf16>(float x) {
    return __fdividef(1.f, 1.f + __expf(-x));
}

// One kernel for each type that parameters have.
#define FOR_FLOATING(instantiate) instantiate(float, f32) instantiate(double, f64)

// One kernel for each type that is between kernels.
#define FOR_ACTIVATIONS(instantiate) FOR_FLOATING(instantiate) instantiate(Bf16, bf16)

// One kernel for each pair of them that mixed precision brings together.
#define FOR_PAIRS(instantiate)                                                                                         \
    instantiate(float, f32, float, f32) instantiate(double, f64, double, f64) instantiate(Bf16, bf16, Bf16, bf16)      \
        instantiate(float, f32, Bf16, bf16) instantiate(Bf16, bf16, float, f32)

// Where element i of a shape lies on two sides, each with a stride per axis (0 where it repeats).
struct Indexing {
    Size rank;
    Size extent[8];
    Size left[8];
    Size right[8];
};

template <typename Index>
__device__ inline void locateAs(const Indexing &at, Index i, Size &left, Size &right) {
    left = 0;
    right = 0;
    for (int axis = (int)at.rank - 1; axis >= 0; axis--) {
        Index extent = (Index)at.extent[axis];
        Index rest = i / extent;
        Index position = i - rest * extent;
        left += (Size)position * at.left[axis];
        right += (Size)position * at.right[axis];
        i = rest;
    }
}

// Of n elements, as many as all extents together have at most.
__device__ inline void locate(const Indexing &at, Size i, Size n, Size &left, Size &right) {
    if (n <= 0xffffffffll) {
        locateAs(at, (unsigned)i, left, right);
    } else {
        locateAs(at, i, left, right);
    }
}

enum { SUM, MAX };

template <typename T>
__device__ inline T start(int op) {
    return op == SUM ? T(0) : -T(1) / T(0);
}

// NaN wins a maximum.
template <typename T>
__device__ inline T combine(int op, T a, T b) {
    if (op == SUM) {
        return a + b;
    }
    return a != a || a > b ? a : b;
}

template <typename T>
__device__ inline T combineWarp(int op, T x) {
    for (int step = WARP / 2; step > 0; step /= 2) {
        x = combine(op, x, __shfl_xor_sync(ALL_LANES, x, step));
    }
    return x;
}

// Of four neighboring lanes: between them they hold a row of what a tensor core gives.
__device__ __forceinline__ float quadSum(float x) {
    x += __shfl_xor_sync(ALL_LANES, x, 1);
    return x + __shfl_xor_sync(ALL_LANES, x, 2);
}

__device__ __forceinline__ float quadMax(float x) {
    x = fmaxf(x, __shfl_xor_sync(ALL_LANES, x, 1));
    return fmaxf(x, __shfl_xor_sync(ALL_LANES, x, 2));
}

// Every thread of the block gets the result.
template <typename T>
__device__ inline T combineBlock(int op, T x) {
    __shared__ T warps[WARP];
    x = combineWarp(op, x);
    __syncthreads();
    if (threadIdx.x % WARP == 0) {
        warps[threadIdx.x / WARP] = x;
    }
    __syncthreads();
    T all = warps[0];
    for (int warp = 1; warp < blockDim.x / WARP; warp++) {
        all = combine(op, all, warps[warp]);
    }
    return all;
}

template <typename T>
__device__ inline T sumBlock(T x) {
    return combineBlock(SUM, x);
}

template <typename T>
__device__ inline T maxBlock(T x) {
    return combineBlock(MAX, x);
}
