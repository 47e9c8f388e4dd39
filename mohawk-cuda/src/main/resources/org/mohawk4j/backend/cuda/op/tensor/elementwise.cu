// Element by element: each number is read once and written once, so memory bandwidth is the limit.

#include "common.cuh"

enum { NEGATE, EXP, LOG, SQRT, SIGMOID, SOFTPLUS, TANH, RELU, STEP };
enum { ADD, SUBTRACT, MULTIPLY, DIVIDE, EQUAL };

template <typename T>
__device__ inline T unary(int op, T x) {
    switch (op) {
        case NEGATE: return -x;
        case EXP: return exp(x);
        case LOG: return log(x);
        case SQRT: return sqrt(x);
        case SIGMOID: return T(1) / (T(1) + exp(-x));
        case SOFTPLUS: return x != x ? x : (x > T(0) ? x : T(0)) + log1p(exp(-fabs(x)));
        case TANH: return tanh(x);
        case RELU: return x != x ? x : (x > T(0) ? x : T(0));
        default: return x > T(0) ? T(1) : T(0);
    }
}

template <typename T>
__device__ inline T binary(int op, T a, T b) {
    switch (op) {
        case ADD: return a + b;
        case SUBTRACT: return a - b;
        case MULTIPLY: return a * b;
        case DIVIDE: return a / b;
        default: return a == b ? T(1) : T(0);
    }
}

// A binary result has the wider of two types.
template <typename A, typename B>
struct WiderOf {
    typedef A Type;
};
template <>
struct WiderOf<Bf16, float> {
    typedef float Type;
};

template <typename A, typename B, typename Y>
__device__ inline void binaryEach(int op, const A *a, const B *b, Y *y, Size n) {
    Size vectors = inFours(a) && inFours(b) && inFours(y) ? n / 4 : 0;
    EACH(i, vectors) {
        Four<Compute<A>> left = getFour(a, 4 * i);
        Four<Compute<B>> right = getFour(b, 4 * i);
        for (int k = 0; k < 4; k++) left.at[k] = binary(op, left.at[k], right.at[k]);
        putFour(y, 4 * i, left);
    }
    EACH(j, n - 4 * vectors) {
        Size i = 4 * vectors + j;
        put(y, i, binary(op, get(a, i), get(b, i)));
    }
}

template <typename T, typename X>
__device__ inline void accumulateEach(T *target, const X *x, Size n, double scale) {
    typedef Compute<T> C;
    Size vectors = inFours(target) && inFours(x) ? n / 4 : 0;
    EACH(i, vectors) {
        Four<C> sum = getFour(target, 4 * i);
        Four<Compute<X>> added = getFour(x, 4 * i);
        for (int k = 0; k < 4; k++) sum.at[k] += C(scale) * added.at[k];
        putFour(target, 4 * i, sum);
    }
    EACH(j, n - 4 * vectors) {
        Size i = 4 * vectors + j;
        put(target, i, get(target, i) + C(scale) * get(x, i));
    }
}

#define TWO_TYPES(A, a, B, b)                                                                                          \
    extern "C" __global__ void binary_##a##_##b(int op, const A *x, const B *z, WiderOf<A, B>::Type *y, Size n) {      \
        binaryEach(op, x, z, y, n);                                                                                    \
    }                                                                                                                  \
    extern "C" __global__ void binary_broadcast_##a##_##b(                                                             \
        int op, const A *x, const B *z, WiderOf<A, B>::Type *y, Size n, Indexing at) {                                 \
        EACH(i, n) {                                                                                                   \
            Size left, right;                                                                                          \
            locate(at, i, n, left, right);                                                                             \
            put(y, i, binary(op, get(x, left), get(z, right)));                                                        \
        }                                                                                                              \
    }                                                                                                                  \
    extern "C" __global__ void accumulate_##a##_##b(A *target, const B *x, Size n, double scale) {                     \
        accumulateEach(target, x, n, scale);                                                                           \
    }

FOR_PAIRS(TWO_TYPES)

template <int COLUMNS, typename H, typename X>
__device__ inline void residual(const H *h, const X *a, const X *b, H *y, Size n) {
    launchDependents();
    gridDependencySync();
    EACH(j, n / COLUMNS) {
        Size i = j * COLUMNS;
        Four<Compute<H>> sum = getColumns<COLUMNS>(h, i);
        Four<Compute<X>> first = getColumns<COLUMNS>(a, i);
        Four<Compute<X>> second = getColumns<COLUMNS>(b, i);
        for (int k = 0; k < COLUMNS; k++) sum.at[k] += first.at[k] + second.at[k];
        putColumns<COLUMNS>(y, i, sum);
    }
}

#define RESIDUAL(H, h_, X, x_)                                                                                         \
    extern "C" __global__ void residual_##h_##_##x_(const H *h, const X *a, const X *b, H *y, Size n) {                \
        if (n % 4 == 0 && inFours(h) && inFours(a) && inFours(b))                                                      \
            residual<4>(h, a, b, y, n);                                                                                \
        else                                                                                                           \
            residual<1>(h, a, b, y, n);                                                                                \
    }

RESIDUAL(float, f32, float, f32)
RESIDUAL(double, f64, double, f64)
RESIDUAL(Bf16, bf16, Bf16, bf16)
RESIDUAL(float, f32, Bf16, bf16)

#define ONE_TYPE(T, suffix)                                                                                            \
    extern "C" __global__ void unary_##suffix(int op, const T *x, T *y, Size n) {                                      \
        EACH(i, n) put(y, i, unary(op, get(x, i)));                                                                    \
    }                                                                                                                  \
    extern "C" __global__ void affine_##suffix(const T *x, T *y, Size n, double scale, double shift) {                 \
        EACH(i, n) put(y, i, Compute<T>(scale) * get(x, i) + Compute<T>(shift));                                       \
    }                                                                                                                  \
    extern "C" __global__ void lower_triangle_##suffix(                                                                \
        const T *x, T *y, Size n, Size rows, Size columns, Size diagonal, double fill) {                               \
        EACH(i, n) {                                                                                                   \
            Size column = i % columns;                                                                                 \
            Size row = i / columns % rows;                                                                             \
            put(y, i, column <= row + diagonal ? get(x, i) : Compute<T>(fill));                                        \
        }                                                                                                              \
    }                                                                                                                  \
    extern "C" __global__ void fill_##suffix(T *y, Size n, double value) { EACH(i, n) put(y, i, value); }

FOR_ACTIVATIONS(ONE_TYPE)

#define FILL(T, suffix)                                                                                                \
    extern "C" __global__ void fill_##suffix(T *y, Size n, double value) { EACH(i, n) y[i] = T(value); }

FILL(int, i32)
FILL(Size, i64)

__device__ inline double load(const void *x, int type, Size i) {
    switch (type) {
        case F64: return ((const double *)x)[i];
        case F32: return ((const float *)x)[i];
        case F16: return fromF16(((const unsigned short *)x)[i]);
        case BF16: return fromBf16(((const unsigned short *)x)[i]);
        default: return ((const int *)x)[i];
    }
}

// What mixed precision asks for most: several groups are read before any is written.
template <typename Rounding, typename X, typename Y>
__device__ inline void castEach(const X *x, Y *y, Size n) {
    const int AHEAD = 4;
    Size vectors = inFours(x) && inFours(y) ? n / 4 : 0;
    Size step = (Size)gridDim.x * blockDim.x;
    for (Size i = blockIdx.x * (Size)blockDim.x + threadIdx.x; i < vectors; i += AHEAD * step) {
        Four<float> some[AHEAD];
#pragma unroll
        for (int j = 0; j < AHEAD; j++)
            if (i + j * step < vectors) some[j] = getFour(x, 4 * (i + j * step));
#pragma unroll
        for (int j = 0; j < AHEAD; j++)
            if (i + j * step < vectors) Rounding::template put<4>(y + 4 * (i + j * step), 4 * (i + j * step), some[j]);
    }
    EACH(j, n - 4 * vectors) {
        Size i = 4 * vectors + j;
        Rounding::template put<1>(y + i, i, Four<float>{{get(x, i)}});
    }
}

extern "C" __global__ void cast_f32_bf16(const float *x, Bf16 *y, Size n) { castEach<Nearest>(x, y, n); }
extern "C" __global__ void cast_bf16_f32(const Bf16 *x, float *y, Size n) { castEach<Nearest>(x, y, n); }
extern "C" __global__ void round_dithered(const float *x, Bf16 *y, Size n) { castEach<Dithered>(x, y, n); }

// Between types, to nearest. Through float32 where the target is 16 bits wide: rounding twice is the price of float64
// sources, which only checks have.
extern "C" __global__ void cast(const void *x, int from, void *y, int to, Size n) {
    EACH(i, n) {
        if (from == I64 || to == I64) {
            Size whole = from == I64 ? ((const Size *)x)[i] : (Size)load(x, from, i);
            switch (to) {
                case I64: ((Size *)y)[i] = whole; break;
                case I32: ((int *)y)[i] = (int)whole; break;
                case F64: ((double *)y)[i] = (double)whole; break;
                case F32: ((float *)y)[i] = (float)whole; break;
                case F16: ((unsigned short *)y)[i] = toF16((float)whole); break;
                default: ((unsigned short *)y)[i] = toBf16((float)whole); break;
            }
            continue;
        }
        double value = load(x, from, i);
        switch (to) {
            case F64: ((double *)y)[i] = value; break;
            case F32: ((float *)y)[i] = (float)value; break;
            case F16: ((unsigned short *)y)[i] = toF16((float)value); break;
            case BF16: ((unsigned short *)y)[i] = toBf16((float)value); break;
            default: ((int *)y)[i] = (int)value; break;
        }
    }
}
