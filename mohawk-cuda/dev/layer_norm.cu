// Layer normalization, alone and with a residual sum before it, and the gradient of both: layer_norm.cu. FOURS is what
// CudaLayerNorm.java makes of the width: groups of four neighbors that a thread keeps, 0 for widths of other kinds.
//
// variant: fours0 -DFOURS=0
// variant: fours1 -DFOURS=1
// variant: fours2 -DFOURS=2
// variant: fours8 -DFOURS=8

#include "check.cuh"

#include <layer_norm.cu>

using namespace check;

static const Size LENGTH = 32; // rows of a block on the way back
static const double EPSILON = 1e-5;

struct Reference {
    Values y, means, rates, dx, dWeight, dBias;

    Reference(const Values &x, const Values &weight, const Values &bias, const Values &dy, const Values &other)
        : y(x.size()) {
        Size width = (Size)weight.size(), rows = (Size)x.size() / width, stretches = ceilOf(rows, LENGTH);
        dWeight.resize(stretches * width);
        dBias.resize(stretches * width);
        dx.resize(dy.size());
        for (Size r = 0; r < rows; r++) {
            const double *row = &x[r * width];
            double sum = 0, squares = 0;
            for (Size i = 0; i < width; i++) sum += row[i];
            double mean = sum / width;
            for (Size i = 0; i < width; i++) squares += (row[i] - mean) * (row[i] - mean);
            double rate = 1 / std::sqrt(squares / width + EPSILON), along = 0;
            means.push_back(mean);
            rates.push_back(rate);
            for (Size i = 0; i < width; i++) y[r * width + i] = (row[i] - mean) * rate * weight[i] + bias[i];
            if (dy.empty()) continue;
            sum = 0;
            for (Size i = 0; i < width; i++) {
                double g = dy[r * width + i], normal = (row[i] - mean) * rate;
                sum += g * weight[i];
                along += g * weight[i] * normal;
                dWeight[r / LENGTH * width + i] += g * normal;
                dBias[r / LENGTH * width + i] += g;
            }
            for (Size i = 0; i < width; i++) {
                double normal = (row[i] - mean) * rate;
                dx[r * width + i] = rate * (dy[r * width + i] * weight[i] - sum / width - normal * along / width)
                    + (other.empty() ? 0 : other[r * width + i]);
            }
        }
    }
};

// How far results of a type may be off.
template <typename T>
static double allowed() {
    return sizeof(T) == 2 ? 5e-3 : sizeof(T) == 4 ? 1e-5 : 1e-12;
}

template <typename T>
struct Parameters {
    Buffer<Compute<T>> weight, bias;

    explicit Parameters(Size width) : weight(width), bias(width) {
        weight.normal(1, 0.3f, 1);
        bias.normal(2);
    }
};

// Compares, or measures where there is no reference.
template <typename X, typename Y, typename K>
static void layerNormAt(const char *name, K kernel, Size rows, Size width, bool compared) {
    Parameters<X> p(width);
    Buffer<X> x(rows * width);
    Buffer<Y> y(rows * width);
    Buffer<Compute<X>> means(rows), rates(rows);
    x.normal(3, 2, 0.5f);
    auto launches = [&] {
        launch(
            kernel, Grid{dim3((unsigned)rows)}.overlaps(), x, p.weight, p.bias, y, means, rates, width, EPSILON);
    };
    Case test(name, text("[%lld, %lld]", rows, width));
    if (compared) {
        Reference r(x.values(), p.weight.values(), p.bias.values(), {}, {});
        double statistics = sizeof(Compute<X>) == 8 ? 1e-12 : 1e-5;
        test.result("y", y, r.y, allowed<Y>()).result("means", means, r.means, statistics);
        test.result("rates", rates, r.rates, statistics).check(launches);
    } else {
        test.result("y", y).result("means", means).result("rates", rates);
        test.time(launches, (double)rows * width * (sizeof(X) + sizeof(Y)));
    }
}

template <typename H, typename A, typename Y, typename K>
static void residualNormAt(const char *name, K kernel, Size rows, Size width, bool compared) {
    Parameters<H> p(width);
    Size n = rows * width;
    Buffer<H> h(n), x(n);
    Buffer<A> a(n), b(n);
    Buffer<Y> y(n);
    Buffer<Compute<H>> means(rows), rates(rows);
    h.normal(3, 2, 0.5f);
    a.normal(4);
    b.normal(5);
    auto launches = [&] {
        launch(
            kernel, Grid{dim3((unsigned)rows)}, h, a, b, p.weight, p.bias, x, y, means, rates, width, EPSILON);
    };
    Case test(name, text("[%lld, %lld]", rows, width));
    if (compared) {
        Values sum = h.values(), first = a.values(), second = b.values();
        typedef Compute<H> C;
        for (Size i = 0; i < n; i++) sum[i] = rounded<H>((C)sum[i] + ((C)first[i] + (C)second[i]));
        Reference r(sum, p.weight.values(), p.bias.values(), {}, {});
        test.result("x", x, sum, 1e-7).result("y", y, r.y, allowed<Y>());
        test.result("rates", rates, r.rates, sizeof(H) == 2 ? 1e-3 : allowed<H>()).check(launches);
    } else {
        test.result("x", x).result("y", y);
        test.time(launches, (double)n * (2 * sizeof(H) + 2 * sizeof(A) + sizeof(Y)));
    }
}

// Forms: the gradient alone, with another that is added, and with a narrow copy as well.
template <typename G, typename X, typename K>
static void gradientAt(const char *name, K kernel, Size rows, Size width, int form, bool compared) {
    Parameters<X> p(width);
    Size n = rows * width, stretches = ceilOf(rows, LENGTH);
    bool added = form > 0, narrowed = form > 1;
    Buffer<G> dy(n);
    Buffer<X> x(n), other(n), dx(n);
    Buffer<Bf16> narrow(n);
    Buffer<Compute<X>> means(rows), rates(rows), dWeight(stretches * width), dBias(stretches * width);
    dy.normal(6);
    x.normal(3, 2, 0.5f);
    other.normal(7);
    means.normal(8);
    rates.normal(9, 0.1f, 1);
    auto launches = [&] {
        launch(
            kernel, Grid{dim3((unsigned)stretches)}, dy, x, p.weight, means, rates, added ? other.at() : nullptr, dx,
            narrowed ? narrow.at() : nullptr, dWeight, dBias, rows, width, LENGTH);
    };
    const char *forms[] = {"", " added", " added narrow"};
    Case test(name, text("[%lld, %lld]%s", rows, width, forms[form]));
    if (compared) {
        Reference r(
            x.values(), p.weight.values(), p.bias.values(), dy.values(), added ? other.values() : Values());
        means.round(r.means);
        rates.round(r.rates);
        double sums = sizeof(Compute<X>) == 8 ? 1e-12 : 2e-5;
        test.result("dx", dx, r.dx, allowed<X>()).result("dWeight", dWeight, r.dWeight, sums);
        test.result("dBias", dBias, r.dBias, sums);
        if (narrowed) test.result("narrow", narrow, r.dx, allowed<Bf16>());
        test.check(launches);
    } else {
        test.result("dx", dx).result("dWeight", dWeight).result("dBias", dBias);
        double each = sizeof(G) + (added ? 3.0 : 2.0) * sizeof(X) + (narrowed ? 2 : 0);
        test.time(launches, n * each + 2.0 * stretches * width * sizeof(Compute<X>));
    }
}

static void cases(Size rows, Size width, bool compared) {
    auto run = compared ? checks : times;
#define LAYER_NORM(X, x, Y, y)                                                                                         \
    run("layer_norm_" #x "_" #y, [&] {                                                                                 \
        layerNormAt<X, Y>("layer_norm_" #x "_" #y, layer_norm_##x##_##y, rows, width, compared);                       \
    });
#define RESIDUAL_NORM(H, h, A, a, Y, y)                                                                                \
    run("residual_norm_" #h "_" #a "_" #y, [&] {                                                                       \
        residualNormAt<H, A, Y>(                                                                                       \
            "residual_norm_" #h "_" #a "_" #y, residual_norm_##h##_##a##_##y, rows, width, compared);                  \
    });
#define GRADIENT(G, g, X, x, form)                                                                                     \
    run("layer_norm_gradient_" #g "_" #x, [&] {                                                                        \
        gradientAt<G, X>("layer_norm_gradient_" #g "_" #x, layer_norm_gradient_##g##_##x, rows, width, form, compared);\
    });
    LAYER_NORM(float, f32, float, f32)
    LAYER_NORM(float, f32, Bf16, bf16)
    LAYER_NORM(Bf16, bf16, Bf16, bf16)
    RESIDUAL_NORM(float, f32, float, f32, float, f32)
    RESIDUAL_NORM(float, f32, Bf16, bf16, Bf16, bf16)
    RESIDUAL_NORM(Bf16, bf16, Bf16, bf16, Bf16, bf16)
    GRADIENT(float, f32, float, f32, 0)
    GRADIENT(Bf16, bf16, float, f32, 2)
    GRADIENT(Bf16, bf16, float, f32, 1)
    GRADIENT(Bf16, bf16, Bf16, bf16, 0)
    if (!compared) return;
    LAYER_NORM(double, f64, double, f64)
    GRADIENT(double, f64, double, f64, 1)
}

int main(int count, char **arguments) {
    begin(count, arguments);
    references([] {
        Values x = normals(3, 3 * 7), weight = normals(1, 7), bias = normals(2, 7), dy = normals(6, 3 * 7);
        Reference r(x, weight, bias, dy, {});
        gradient("layer norm by x", x, r.dx, [&](const Values &v) {
            return dot(Reference(v, weight, bias, {}, {}).y, dy);
        });
        gradient("layer norm by weight", weight, r.dWeight, [&](const Values &v) {
            return dot(Reference(x, v, bias, {}, {}).y, dy);
        });
        gradient("layer norm by bias", bias, r.dBias, [&](const Values &v) {
            return dot(Reference(x, weight, v, {}, {}).y, dy);
        });
    });
    if (options.checks) {
        if (FOURS == 0) {
            cases(67, 77, true);
            cases(3, 9001, true);
        } else {
            cases(67, FOURS * 1024, true);
            cases(33, FOURS * 1024 - 52, true);
        }
    }
    if (options.times) cases(extent("rows", 16384), extent("D", FOURS == 0 ? 2047 : FOURS * 1024), false);
    return end();
}
