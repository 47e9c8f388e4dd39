// Functions of one and two arrays, element by element: elementwise.cu but for what conversions.cu checks.

#include "check.cuh"

#include <elementwise.cu>

using namespace check;

template <typename T>
static double allowed() {
    return sizeof(T) == 2 ? 4e-3 : sizeof(T) == 4 ? 2e-6 : 1e-14;
}

static double unaryOf(int op, double x) {
    switch (op) {
        case NEGATE: return -x;
        case EXP: return std::exp(x);
        case LOG: return std::log(x);
        case SQRT: return std::sqrt(x);
        case SIGMOID: return sigmoid(x);
        case SOFTPLUS: return std::max(x, 0.0) + std::log1p(std::exp(-std::fabs(x)));
        case TANH: return std::tanh(x);
        case RELU: return std::max(x, 0.0);
        default: return x > 0;
    }
}

static double binaryOf(int op, double a, double b) {
    switch (op) {
        case ADD: return a + b;
        case SUBTRACT: return a - b;
        case MULTIPLY: return a * b;
        case DIVIDE: return a / b;
        default: return a == b;
    }
}

// Elements read and written by a thread of a row of [rows, columns] with one of [columns].
static Indexing rowsWith(Size rows, Size columns) { return {2, {rows, columns}, {columns, 1}, {0, 1}}; }

template <typename T, typename U, typename A, typename L>
static void oneType(const char *type, U unary, A affine, L tril, Size rows, Size columns, bool compared) {
    auto run = compared ? checks : times;
    Size n = rows * columns;
    Buffer<T> x(n), y(n);
    x.normal(1);
    std::string shape = text("[%lld, %lld]", rows, columns);
    Values in = compared ? x.values() : Values(), out(in.size());
    double bytes = 2.0 * n * sizeof(T);
    auto one = [&](const std::string &kernel, const std::string &of, const Body &launches) {
        Case test(kernel, of);
        test.result("y", y, compared ? out : Values(), allowed<T>());
        compared ? test.check(launches) : test.time(launches, bytes);
    };
    run(std::string("unary") + type, [&] {
        const char *names[] = {"negate", "exp", "log", "sqrt", "sigmoid", "softplus", "tanh", "relu", "step"};
        for (int op = NEGATE; op <= STEP; op++) {
            bool positive = op == LOG || op == SQRT;
            x.normal(1, positive ? 0.3f : 1, positive ? 2 : 0);
            if (compared) in = x.values();
            for (size_t i = 0; i < in.size(); i++) out[i] = unaryOf(op, in[i]);
            one(std::string("unary") + type, shape + " " + names[op], [&] { launch(unary, each(n), op, x, y, n); });
        }
        x.normal(1);
        if (compared) in = x.values();
    });
    run(std::string("affine") + type, [&] {
        for (size_t i = 0; i < in.size(); i++) out[i] = 0.75 * in[i] - 0.5;
        one(std::string("affine") + type, shape, [&] { launch(affine, each(n), x, y, n, 0.75, -0.5); });
    });
    run(std::string("lower_triangle") + type, [&] {
        for (Size i = 0; i < (Size)in.size(); i++) out[i] = i % columns <= i / columns % rows + 1 ? in[i] : -2;
        one(std::string("lower_triangle") + type, shape, [&] {
            launch(tril, each(n), x, y, n, rows, columns, 1, -2.0);
        });
    });
}

template <typename A, typename B, typename K, typename R, typename C>
static void twoTypes(const char *types, K binary, R broadcast, C accumulate, Size rows, Size columns, bool compared) {
    typedef typename WiderOf<A, B>::Type Y;
    auto run = compared ? checks : times;
    Size n = rows * columns;
    Buffer<A> a(n);
    Buffer<B> b(n), row(columns);
    Buffer<Y> y(n);
    a.normal(1);
    b.normal(2, 0.2f, 1.5f);
    row.normal(3);
    std::string shape = text("[%lld, %lld]", rows, columns);
    Values left, right, shared, out;
    if (compared) left = a.values(), right = b.values(), shared = row.values(), out.resize(n);
    double bytes = (double)n * (sizeof(A) + sizeof(B) + sizeof(Y));
    run(std::string("binary") + types, [&] {
        const char *names[] = {"add", "subtract", "multiply", "divide", "equal"};
        for (int op = ADD; op <= EQUAL; op++) {
            for (Size i = 0; i < (Size)out.size(); i++) out[i] = binaryOf(op, left[i], right[i]);
            Case test(std::string("binary") + types, shape + " " + names[op]);
            test.result("y", y, out, allowed<Y>());
            auto launches = [&] { launch(binary, each(fours(n)), op, a, b, y, n); };
            compared ? test.check(launches) : test.time(launches, bytes);
        }
    });
    run(std::string("binary_broadcast") + types, [&] {
        for (Size i = 0; i < (Size)out.size(); i++) out[i] = left[i] + shared[i % columns];
        Case test(std::string("binary_broadcast") + types, shape + " add");
        test.result("y", y, out, allowed<Y>());
        auto launches = [&] { launch(broadcast, each(n), ADD, a, row, y, n, rowsWith(rows, columns)); };
        compared ? test.check(launches) : test.time(launches, (double)n * (sizeof(A) + sizeof(Y)));
    });
    run(std::string("accumulate") + types, [&] {
        for (Size i = 0; i < (Size)out.size(); i++) out[i] = left[i] + 0.25 * right[i];
        Case test(std::string("accumulate") + types, shape);
        auto launches = [&] { launch(accumulate, each(fours(n)), a, b, n, 0.25); };
        if (compared) test.inPlace("target", a, out, allowed<A>()).check(launches);
        else test.time(launches, (double)n * (2 * sizeof(A) + sizeof(B)));
    });
}

template <typename H, typename X, typename K>
static void residualOf(const std::string &name, K kernel, Size n, bool compared) {
    (compared ? checks : times)(name, [&] {
        Buffer<H> h(n), y(n);
        Buffer<X> a(n), b(n);
        h.normal(1);
        a.normal(2);
        b.normal(3);
        Case test(name, text("[%lld]", n));
        auto launches = [&] { launch(kernel, each(fours(n)).overlaps(), h, a, b, y, n); };
        if (!compared) {
            test.result("y", y).time(launches, (double)n * (2 * sizeof(H) + 2 * sizeof(X)));
            return;
        }
        Values sum = h.values(), first = a.values(), second = b.values();
        for (Size i = 0; i < n; i++) sum[i] += first[i] + second[i];
        test.result("y", y, sum, allowed<H>()).check(launches);
    });
}

static void cases(Size rows, Size columns, bool compared) {
#define ONE_TYPE_OF(T, t)                                                                                              \
    oneType<T>("_" #t, unary_##t, affine_##t, lower_triangle_##t, rows, columns, compared);
#define TWO_TYPES_OF(A, a, B, b)                                                                                       \
    twoTypes<A, B>(                                                                                                    \
        "_" #a "_" #b, binary_##a##_##b, binary_broadcast_##a##_##b, accumulate_##a##_##b, rows, columns, compared);
#define RESIDUAL_OF(H, h, X, x)                                                                                        \
    residualOf<H, X>("residual_" #h "_" #x, residual_##h##_##x, rows *columns, compared);
    ONE_TYPE_OF(float, f32)
    ONE_TYPE_OF(Bf16, bf16)
    TWO_TYPES_OF(float, f32, float, f32)
    TWO_TYPES_OF(Bf16, bf16, Bf16, bf16)
    TWO_TYPES_OF(float, f32, Bf16, bf16)
    RESIDUAL_OF(float, f32, float, f32)
    RESIDUAL_OF(float, f32, Bf16, bf16)
    if (!compared) return;
    ONE_TYPE_OF(double, f64)
    TWO_TYPES_OF(Bf16, bf16, float, f32)
    TWO_TYPES_OF(double, f64, double, f64)
    RESIDUAL_OF(Bf16, bf16, Bf16, bf16)
}

int main(int count, char **arguments) {
    begin(count, arguments);
    if (options.checks) {
        cases(37, 53, true);
        cases(128, 260, true);
    }
    if (options.times) cases(extent("rows", 16384), extent("D", 2048), false);
    return end();
}
