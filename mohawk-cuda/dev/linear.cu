// What follows a product: bias and activation in one pass, and the gradient before the activation with the sums of its
// columns: linear.cu.

#include "check.cuh"

#include <linear.cu>

using namespace check;

static const Size LENGTH = 32; // rows that a thread adds up
static const char *NAMES[] = {"none", "gelu", "relu", "silu"};

static double activated(int activation, double x) {
    const double scale = 1.5957691216057308;
    switch (activation) {
        case GELU_TANH: return x * sigmoid(scale * (x + 0.044715 * x * x * x));
        case RELU: return std::max(x, 0.0);
        case SILU: return x * sigmoid(x);
        default: return x;
    }
}

static double slopeOf(int activation, double x) {
    const double scale = 1.5957691216057308;
    switch (activation) {
        case GELU_TANH: {
            double s = sigmoid(scale * (x + 0.044715 * x * x * x));
            return s + x * s * (1 - s) * scale * (1 + 3 * 0.044715 * x * x);
        }
        case RELU: return x > 0;
        case SILU: return sigmoid(x) * (1 + x * (1 - sigmoid(x)));
        default: return 1;
    }
}

// In bfloat16 the fast exponential is good for eight bits.
template <typename T>
static double allowed() {
    return sizeof(T) == 2 ? 5e-3 : sizeof(T) == 4 ? 5e-6 : 1e-12;
}

template <typename T, typename K>
static void forwardAt(const std::string &name, K kernel, Size rows, Size width, bool compared) {
    (compared ? checks : times)(name, [&] {
        Size n = rows * width;
        Buffer<T> x(n), y(n);
        Buffer<Compute<T>> bias(width);
        x.normal(1, 2);
        bias.normal(2);
        Values in = compared ? x.values() : Values(), shift = bias.values();
        for (int activation = NONE; activation <= SILU; activation++)
            for (bool kept : {false, true}) {
                if (kept && activation == NONE) continue;
                // the result takes the place of x unless x is kept, with its bias
                T *target = kept ? y.at() : x.at();
                auto launches = [&] {
                    launch(kernel, each(n), x, bias, target, n, width, activation, kept ? 1 : 0);
                };
                Case test(name, text("[%lld, %lld] %s%s", rows, width, NAMES[activation], kept ? " kept" : ""));
                if (!compared) {
                    test.time(launches, (double)n * sizeof(T) * (kept ? 3 : 2));
                    continue;
                }
                Values before = in, after(n);
                for (Size i = 0; i < n; i++) {
                    before[i] += shift[i % width];
                    after[i] = activated(activation, before[i]);
                }
                test.inPlace("x", x, kept ? before : after, allowed<T>());
                if (kept) test.result("y", y, after, allowed<T>());
                test.check(launches);
                x.round(in);
            }
    });
}

// Without an activation nothing is written unless the type changes.
template <typename G, typename T, typename K>
static void gradientAt(const std::string &name, K kernel, Size rows, Size width, bool compared) {
    (compared ? checks : times)(name, [&] {
        Size n = rows * width, stretches = ceilOf(rows, LENGTH);
        Buffer<G> dy(n);
        Buffer<T> x(n), dx(n);
        Buffer<Compute<T>> sums(stretches * width);
        dy.normal(1);
        x.normal(2, 2);
        for (int activation = NONE; activation <= SILU; activation++) {
            bool has = activation != NONE, written = has || sizeof(G) != sizeof(T);
            auto launches = [&] {
                launch(
                    kernel, each(fours(stretches * width)), dy, has ? x.at() : nullptr, written ? dx.at() : nullptr,
                    sums, rows, width, LENGTH, activation);
            };
            Case test(name, text("[%lld, %lld] %s", rows, width, NAMES[activation]));
            if (!compared) {
                test.result("sums", sums);
                test.time(launches, (double)n * (sizeof(G) + (has ? sizeof(T) : 0) + (written ? sizeof(T) : 0)));
                continue;
            }
            Values out = dy.values(), before = x.values(), columns(stretches * width);
            for (Size i = 0; i < n; i++) {
                out[i] *= slopeOf(activation, before[i]);
                columns[i / width / LENGTH * width + i % width] += out[i];
            }
            if (written) test.result("dx", dx, out, allowed<T>());
            test.result("sums", sums, columns, sizeof(T) == 2 && has ? 1e-3 : sizeof(T) == 8 ? 1e-12 : 1e-5);
            test.check(launches);
        }
    });
}

static void cases(Size rows, Size width, bool compared) {
#define LINEAR_OF(T, t) forwardAt<T>("bias_activation_" #t, bias_activation_##t, rows, width, compared);
#define GRADIENT_OF(G, g, T, t)                                                                                        \
    gradientAt<G, T>("linear_gradient_" #g "_" #t, linear_gradient_##g##_##t, rows, width, compared);
    LINEAR_OF(Bf16, bf16)
    LINEAR_OF(float, f32)
    GRADIENT_OF(Bf16, bf16, Bf16, bf16)
    GRADIENT_OF(float, f32, Bf16, bf16)
    GRADIENT_OF(float, f32, float, f32)
    if (!compared) return;
    LINEAR_OF(double, f64)
    GRADIENT_OF(double, f64, double, f64)
    GRADIENT_OF(Bf16, bf16, float, f32)
}

int main(int count, char **arguments) {
    begin(count, arguments);
    references([] {
        Values x = normals(1, 50, 2), weight = normals(2, 50);
        for (int activation : {GELU_TANH, SILU}) {
            Values slopes(50);
            for (int i = 0; i < 50; i++) slopes[i] = weight[i] * slopeOf(activation, x[i]);
            gradient(NAMES[activation], x, slopes, [&](const Values &v) {
                double sum = 0;
                for (int i = 0; i < 50; i++) sum += weight[i] * activated(activation, v[i]);
                return sum;
            });
        }
    });
    if (options.checks) {
        cases(67, 77, true);
        cases(40, 256, true);
    }
    if (options.times) cases(extent("rows", 16384), extent("E", 8192), false);
    return end();
}
