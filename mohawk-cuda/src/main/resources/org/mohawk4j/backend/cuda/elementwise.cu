// Element by element: each number is read once and written once, so memory bandwidth is the limit.

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

#define ELEMENTWISE(T, suffix)                                                                                         \
    extern "C" __global__ void unary_##suffix(int op, const T *x, T *y, Size n) {                                      \
        EACH(i, n) y[i] = unary(op, x[i]);                                                                             \
    }                                                                                                                  \
    extern "C" __global__ void binary_##suffix(int op, const T *a, const T *b, T *y, Size n) {                         \
        EACH(i, n) y[i] = binary(op, a[i], b[i]);                                                                      \
    }                                                                                                                  \
    extern "C" __global__ void binary_broadcast_##suffix(                                                              \
        int op, const T *a, const T *b, T *y, Size n, Indexing at) {                                                   \
        EACH(i, n) {                                                                                                   \
            Size left, right;                                                                                          \
            locate(at, i, left, right);                                                                                \
            y[i] = binary(op, a[left], b[right]);                                                                      \
        }                                                                                                              \
    }                                                                                                                  \
    extern "C" __global__ void affine_##suffix(const T *x, T *y, Size n, double scale, double shift) {                 \
        EACH(i, n) y[i] = T(scale) * x[i] + T(shift);                                                                  \
    }                                                                                                                  \
    extern "C" __global__ void accumulate_##suffix(T *target, const T *x, Size n, double scale) {                      \
        EACH(i, n) target[i] += T(scale) * x[i];                                                                       \
    }                                                                                                                  \
    extern "C" __global__ void lower_triangle_##suffix(                                                                \
        const T *x, T *y, Size n, Size rows, Size columns, Size diagonal, double fill) {                               \
        EACH(i, n) {                                                                                                   \
            Size column = i % columns;                                                                                 \
            Size row = i / columns % rows;                                                                             \
            y[i] = column <= row + diagonal ? x[i] : T(fill);                                                          \
        }                                                                                                              \
    }

FOR_FLOATING(ELEMENTWISE)

#define FILL(T, suffix)                                                                                                \
    extern "C" __global__ void fill_##suffix(T *y, Size n, double value) { EACH(i, n) y[i] = T(value); }

FILL(float, f32)
FILL(double, f64)
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

// The two that every mixed product and kernel asks for, four elements at a time.
extern "C" __global__ void cast_f32_bf16(const float *x, unsigned short *y, Size n) {
    Size vectors = ((Size)x % 16 == 0 && (Size)y % 8 == 0) ? n / 4 : 0;
    EACH(i, vectors) {
        float4 v = ((const float4 *)x)[i];
        uint2 packed;
        asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(packed.x) : "f"(v.y), "f"(v.x));
        asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(packed.y) : "f"(v.w), "f"(v.z));
        ((uint2 *)y)[i] = packed;
    }
    EACH(i, n - 4 * vectors) y[4 * vectors + i] = toBf16(x[4 * vectors + i]);
}

extern "C" __global__ void cast_bf16_f32(const unsigned short *x, float *y, Size n) {
    Size vectors = ((Size)x % 8 == 0 && (Size)y % 16 == 0) ? n / 4 : 0;
    EACH(i, vectors) {
        uint2 packed = ((const uint2 *)x)[i];
        float4 v;
        v.x = __uint_as_float(packed.x << 16);
        v.y = __uint_as_float(packed.x & 0xffff0000u);
        v.z = __uint_as_float(packed.y << 16);
        v.w = __uint_as_float(packed.y & 0xffff0000u);
        ((float4 *)y)[i] = v;
    }
    EACH(i, n - 4 * vectors) y[4 * vectors + i] = fromBf16(x[4 * vectors + i]);
}

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
