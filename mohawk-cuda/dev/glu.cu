// The middle of a gated MLP and its gradients: glu.cu.

#include "check.cuh"

#include <glu.cu>

using namespace check;

static const char *NAMES[] = {"none", "gelu", "relu", "silu"};

static double activated(int activation, double x) {
    switch (activation) {
        case GELU_TANH: return x / 2 * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
        case RELU: return x > 0 ? x : 0;
        case SILU: return x * sigmoid(x);
        default: return x;
    }
}

static double slopeAt(int activation, double x) {
    switch (activation) {
        case GELU_TANH: {
            double c = std::sqrt(2 / M_PI), t = std::tanh(c * (x + 0.044715 * x * x * x));
            return (1 + t) / 2 + x / 2 * (1 - t * t) * c * (1 + 3 * 0.044715 * x * x);
        }
        case RELU: return x > 0 ? 1 : 0;
        case SILU: return sigmoid(x) * (1 + x * (1 - sigmoid(x)));
        default: return 1;
    }
}

struct Reference {
    Values y, dGate, dUp;

    Reference(const Values &gate, const Values &up, const Values &dy, int activation) {
        for (size_t i = 0; i < gate.size(); i++) {
            y.push_back(activated(activation, gate[i]) * up[i]);
            if (dy.empty()) continue;
            dGate.push_back(dy[i] * up[i] * slopeAt(activation, gate[i]));
            dUp.push_back(dy[i] * activated(activation, gate[i]));
        }
    }
};

// How far results of a type may be off.
template <typename T>
static double allowed() {
    return sizeof(T) == 2 ? 5e-3 : sizeof(T) == 4 ? 1e-5 : 1e-12;
}

// Compares, or measures where there is no reference.
template <typename T, typename K>
static void gluAt(const char *name, K kernel, Size rows, Size width, int activation, bool compared) {
    Size n = rows * width;
    Buffer<T> gate(n), up(n), y(n);
    gate.normal(1, 3);
    up.normal(2);
    auto launches = [&] { launch(kernel, each(fours(n)).overlaps(), gate, up, y, n, activation); };
    Case test(name, text("[%lld, %lld] %s", rows, width, NAMES[activation]));
    if (compared) {
        test.result("y", y, Reference(gate.values(), up.values(), {}, activation).y, allowed<T>()).check(launches);
    } else {
        test.result("y", y).time(launches, 3.0 * n * sizeof(T));
    }
}

template <typename G, typename T, typename K>
static void gradientAt(const char *name, K kernel, Size rows, Size width, int activation, bool compared) {
    Size n = rows * width;
    Buffer<G> dy(n);
    Buffer<T> gate(n), up(n), dGate(n), dUp(n);
    dy.normal(3);
    gate.normal(1, 3);
    up.normal(2);
    auto launches = [&] { launch(kernel, each(fours(n)), dy, gate, up, dGate, dUp, n, activation); };
    Case test(name, text("[%lld, %lld] %s", rows, width, NAMES[activation]));
    if (compared) {
        Reference r(gate.values(), up.values(), dy.values(), activation);
        test.result("dGate", dGate, r.dGate, allowed<T>()).result("dUp", dUp, r.dUp, allowed<T>()).check(launches);
    } else {
        test.result("dGate", dGate).result("dUp", dUp);
        test.time(launches, (double)n * (sizeof(G) + 4 * sizeof(T)));
    }
}

// Gate and up side by side in the same rows, as one product gives them.
static void rowsAt(Size rows, Size width, int activation, bool compared) {
    Buffer<Bf16> both(rows * 2 * width), y(rows * width), dy(rows * width), dBoth(rows * 2 * width);
    both.normal(1, 2);
    dy.normal(3);
    auto forward = [&] {
        launch(
            glu_rows_bf16, each(rows * width / 8).overlaps(), both, both + width, y, rows, width, 2 * width, activation);
    };
    auto backward = [&] {
        launch(glu_rows_gradient_bf16, each(rows * width / 8), dy, both, dBoth, rows, width, activation);
    };
    std::string shape = text("[%lld, 2*%lld] %s", rows, width, NAMES[activation]);
    Case test("glu_rows_bf16", shape), gradient("glu_rows_gradient_bf16", shape);
    if (!compared) {
        test.result("y", y).time(forward, 6.0 * rows * width);
        gradient.result("dBoth", dBoth).time(backward, 10.0 * rows * width);
        return;
    }
    Values all = both.values(), gates, ups, expected(all.size());
    for (Size r = 0; r < rows; r++)
        for (Size i = 0; i < 2 * width; i++) (i < width ? gates : ups).push_back(all[r * 2 * width + i]);
    Reference reference(gates, ups, dy.values(), activation);
    for (Size r = 0; r < rows; r++)
        for (Size i = 0; i < width; i++) {
            expected[r * 2 * width + i] = reference.dGate[r * width + i];
            expected[r * 2 * width + width + i] = reference.dUp[r * width + i];
        }
    test.result("y", y, reference.y, allowed<Bf16>()).check(forward);
    gradient.result("dBoth", dBoth, expected, allowed<Bf16>()).check(backward);
}

static void cases(Size rows, Size width, int activation, bool compared) {
    auto run = compared ? checks : times;
#define GLU_AT(T, t)                                                                                                   \
    run("glu_" #t, [&] { gluAt<T>("glu_" #t, glu_##t, rows, width, activation, compared); });
#define GRADIENT_AT(G, g, T, t)                                                                                        \
    run("glu_gradient_" #g "_" #t, [&] {                                                                               \
        gradientAt<G, T>("glu_gradient_" #g "_" #t, glu_gradient_##g##_##t, rows, width, activation, compared);        \
    });
    GLU_AT(float, f32)
    GLU_AT(Bf16, bf16)
    if (width % 8 == 0) run("glu_rows", [&] { rowsAt(rows, width, activation, compared); });
    GRADIENT_AT(float, f32, float, f32)
    GRADIENT_AT(Bf16, bf16, Bf16, bf16)
    if (!compared) return;
    GRADIENT_AT(float, f32, Bf16, bf16)
    GRADIENT_AT(Bf16, bf16, float, f32)
    GLU_AT(double, f64)
    GRADIENT_AT(double, f64, double, f64)
}

int main(int count, char **arguments) {
    begin(count, arguments);
    references([] {
        for (int activation : {GELU_TANH, SILU}) {
            Values gate = normals(1, 21, 3), up = normals(2, 21), dy = normals(3, 21);
            Reference r(gate, up, dy, activation);
            gradient("gated unit by gate", gate, r.dGate, [&](const Values &v) {
                return dot(Reference(v, up, {}, activation).y, dy);
            });
            gradient("gated unit by up", up, r.dUp, [&](const Values &v) {
                return dot(Reference(gate, v, {}, activation).y, dy);
            });
        }
    });
    if (options.checks) {
        for (int activation = NONE; activation <= SILU; activation++) {
            cases(67, 77, activation, true);
            cases(33, 2048, activation, true);
        }
        cases(1, 1, SILU, true);
    }
    if (options.times)
        for (int activation : {SILU, GELU_TANH})
            cases(extent("rows", 16384), extent("F", 8192), activation, false);
    return end();
}
