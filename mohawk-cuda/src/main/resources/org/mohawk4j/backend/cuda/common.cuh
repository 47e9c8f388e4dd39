// Included before every other source of this folder. Numbers are row-major; sizes count elements.

typedef long long Size;

#define EACH(i, n)                                                                                                     \
    for (Size i = blockIdx.x * (Size)blockDim.x + threadIdx.x; i < (n); i += (Size)gridDim.x * blockDim.x)

#define WARP 32
#define ALL_LANES 0xffffffffu

// Codes of element types, as ElementType.java numbers them.
enum { F64 = 0, F32 = 1, F16 = 2, BF16 = 3, I64 = 4, I32 = 5 };

// One kernel for each type that is computed in.
#define FOR_FLOATING(instantiate) instantiate(float, f32) instantiate(double, f64)

__device__ inline float fromBf16(unsigned short bits) { return __uint_as_float((unsigned)bits << 16); }

// Rounds to nearest, ties to even; NaN stays NaN.
__device__ inline unsigned short toBf16(float x) {
    unsigned bits = __float_as_uint(x);
    if ((bits & 0x7fffffffu) > 0x7f800000u) {
        return 0x7fff;
    }
    return (unsigned short)((bits + 0x7fffu + ((bits >> 16) & 1)) >> 16);
}

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

// Where element i of a shape lies on two sides, each with a stride per axis (0 where it repeats).
struct Indexing {
    Size rank;
    Size extent[8];
    Size left[8];
    Size right[8];
};

// Division of 64-bit integers takes some ten times as long, so it is left to those that need it.
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

__device__ inline void locate(const Indexing &at, Size i, Size &left, Size &right) {
    if (i <= 0xffffffffll) {
        locateAs(at, (unsigned)i, left, right);
    } else {
        locateAs(at, i, left, right);
    }
}

__device__ inline Size quotient(Size a, Size b) {
    return ((a | b) >> 32) == 0 ? (Size)((unsigned)a / (unsigned)b) : a / b;
}

__device__ inline Size remainder(Size a, Size b) {
    return ((a | b) >> 32) == 0 ? (Size)((unsigned)a % (unsigned)b) : a % b;
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
