// RMS normalization, alone and with a residual sum before it, and the gradient of both: rms_norm.cu. FOURS and LANES are
// what CudaRmsNorm.java makes of the width: groups of four neighbors that a thread keeps, 0 for widths of other kinds,
// and threads that share a row.
//
// variant: head0 -DFOURS=0 -DLANES=32
// variant: head1 -DFOURS=1 -DLANES=32
// variant: head4 -DFOURS=4 -DLANES=32
// variant: fours0 -DFOURS=0 -DLANES=256
// variant: fours1 -DFOURS=1 -DLANES=256
// variant: fours2 -DFOURS=2 -DLANES=256
// variant: fours8 -DFOURS=8 -DLANES=256

#include "check.cuh"

#include <rms_norm.cu>

using namespace check;

static const Size LENGTH = 32; // rows of a stretch on the way back
static const double EPSILON = 1e-5;

struct Reference {
    Values y, rates, dx, dWeight;

    Reference(const Values &x, const Values &weight, double offset, const Values &dy, const Values &other)
        : y(x.size()) {
        Size width = (Size)weight.size(), rows = (Size)x.size() / width;
        dWeight.resize(ceilOf(rows, LENGTH) * width);
        dx.resize(dy.size());
        for (Size r = 0; r < rows; r++) {
            const double *row = &x[r * width];
            double squares = 0, along = 0;
            for (Size i = 0; i < width; i++) squares += row[i] * row[i];
            double rate = 1 / std::sqrt(squares / width + EPSILON);
            rates.push_back(rate);
            for (Size i = 0; i < width; i++) y[r * width + i] = row[i] * rate * (weight[i] + offset);
            if (dy.empty()) continue;
            for (Size i = 0; i < width; i++) {
                double part = dy[r * width + i] * row[i] * rate;
                along += part * (weight[i] + offset);
                dWeight[r / LENGTH * width + i] += part;
            }
            for (Size i = 0; i < width; i++)
                dx[r * width + i] = rate * (dy[r * width + i] * (weight[i] + offset) - row[i] * rate * along / width)
                    + (other.empty() ? 0 : other[r * width + i]);
        }
    }
};

// How far results of a type may be off.
template <typename T>
static double allowed() {
    return sizeof(T) == 2 ? 5e-3 : sizeof(T) == 4 ? 1e-5 : 1e-12;
}

// Of so many rows, or stretches of them.
static Grid gridOf(Size rows) { return {dim3((unsigned)ceilOf(rows, 256 / LANES))}; }

// Compares, or measures where there is no reference.
template <typename X, typename Y, typename K>
static void rmsNormAt(const char *name, K kernel, Size rows, Size width, double offset, bool compared) {
    Buffer<Compute<X>> weight(width), rates(rows);
    Buffer<X> x(rows * width);
    Buffer<Y> y(rows * width);
    weight.normal(1, 0.3f, 1);
    x.normal(3, 2, 0.5f);
    auto launches = [&] {
        launch(kernel, gridOf(rows).overlaps(), x, weight, y, rates, rows, width, offset, EPSILON);
    };
    Case test(name, text("[%lld, %lld] offset %g", rows, width, offset));
    if (compared) {
        Reference r(x.values(), weight.values(), offset, {}, {});
        test.result("y", y, r.y, allowed<Y>());
        test.result("rates", rates, r.rates, sizeof(Compute<X>) == 8 ? 1e-12 : 1e-5).check(launches);
    } else {
        test.result("y", y).result("rates", rates);
        test.time(launches, (double)rows * width * (sizeof(X) + sizeof(Y)));
    }
}

template <typename H, typename A, typename Y, typename K>
static void residualAt(const char *name, K kernel, Size rows, Size width, double offset, bool compared) {
    Size n = rows * width;
    Buffer<Compute<H>> weight(width), rates(rows);
    Buffer<H> h(n), x(n);
    Buffer<A> a(n);
    Buffer<Y> y(n);
    weight.normal(1, 0.3f, 1);
    h.normal(3, 2, 0.5f);
    a.normal(4);
    auto launches = [&] {
        launch(kernel, gridOf(rows).overlaps(), h, a, weight, x, y, rates, rows, width, offset, EPSILON);
    };
    Case test(name, text("[%lld, %lld] offset %g", rows, width, offset));
    if (compared) {
        Values sum = h.values(), added = a.values();
        typedef Compute<H> C;
        for (Size i = 0; i < n; i++) sum[i] = rounded<H>((C)sum[i] + (C)added[i]);
        Reference r(sum, weight.values(), offset, {}, {});
        test.result("x", x, sum, 1e-7).result("y", y, r.y, allowed<Y>());
        test.result("rates", rates, r.rates, sizeof(H) == 2 ? 1e-3 : allowed<H>()).check(launches);
    } else {
        test.result("x", x).result("y", y);
        test.time(launches, (double)n * (2 * sizeof(H) + sizeof(A) + sizeof(Y)));
    }
}

// Forms: the gradient alone, with another that is added, and with a narrow copy as well.
template <typename G, typename X, typename K>
static void gradientAt(const char *name, K kernel, Size rows, Size width, int form, double offset, bool compared) {
    Size n = rows * width, stretches = ceilOf(rows, LENGTH);
    bool added = form > 0, narrowed = form > 1;
    Buffer<G> dy(n);
    Buffer<X> x(n), other(n), dx(n);
    Buffer<Bf16> narrow(n);
    Buffer<Compute<X>> weight(width), rates(rows), dWeight(stretches * width);
    weight.normal(1, 0.3f, 1);
    dy.normal(6);
    x.normal(3, 2, 0.5f);
    other.normal(7);
    rates.normal(9, 0.1f, 1);
    auto launches = [&] {
        launch(
            kernel, gridOf(stretches), dy, x, weight, rates, added ? other.at() : nullptr, dx,
            narrowed ? narrow.at() : nullptr, dWeight, rows, width, LENGTH, offset);
    };
    const char *forms[] = {"", " added", " added narrow"};
    Case test(name, text("[%lld, %lld] offset %g%s", rows, width, offset, forms[form]));
    if (compared) {
        Reference r(x.values(), weight.values(), offset, dy.values(), added ? other.values() : Values());
        rates.round(r.rates);
        test.result("dx", dx, r.dx, allowed<X>());
        test.result("dWeight", dWeight, r.dWeight, sizeof(Compute<X>) == 8 ? 1e-12 : 2e-5);
        if (narrowed) test.result("narrow", narrow, r.dx, allowed<Bf16>());
        test.check(launches);
    } else {
        test.result("dx", dx).result("dWeight", dWeight);
        double each = sizeof(G) + (added ? 3.0 : 2.0) * sizeof(X) + (narrowed ? 2 : 0);
        test.time(launches, n * each + 1.0 * stretches * width * sizeof(Compute<X>));
    }
}

static void cases(Size rows, Size width, double offset, bool compared) {
    auto run = compared ? checks : times;
#define RMS_NORM(X, x, Y, y)                                                                                           \
    run("rms_norm_" #x "_" #y, [&] {                                                                                   \
        rmsNormAt<X, Y>("rms_norm_" #x "_" #y, rms_norm_##x##_##y, rows, width, offset, compared);                     \
    });
#define RESIDUAL_NORM(H, h, A, a, Y, y)                                                                                \
    run("residual_rms_norm_" #h "_" #a "_" #y, [&] {                                                                   \
        residualAt<H, A, Y>(                                                                                           \
            "residual_rms_norm_" #h "_" #a "_" #y, residual_rms_norm_##h##_##a##_##y, rows, width, offset, compared);  \
    });
#define GRADIENT(G, g, X, x, form)                                                                                     \
    run("rms_norm_gradient_" #g "_" #x, [&] {                                                                          \
        gradientAt<G, X>(                                                                                              \
            "rms_norm_gradient_" #g "_" #x, rms_norm_gradient_##g##_##x, rows, width, form, offset, compared);         \
    });
    RMS_NORM(float, f32, float, f32)
    RMS_NORM(float, f32, Bf16, bf16)
    RMS_NORM(Bf16, bf16, Bf16, bf16)
    RESIDUAL_NORM(float, f32, float, f32, float, f32)
    RESIDUAL_NORM(float, f32, float, f32, Bf16, bf16)
    RESIDUAL_NORM(float, f32, Bf16, bf16, Bf16, bf16)
    RESIDUAL_NORM(Bf16, bf16, Bf16, bf16, Bf16, bf16)
    GRADIENT(float, f32, float, f32, 0)
    GRADIENT(Bf16, bf16, float, f32, 2)
    GRADIENT(Bf16, bf16, float, f32, 1)
    GRADIENT(float, f32, Bf16, bf16, 0)
    GRADIENT(Bf16, bf16, Bf16, bf16, 1)
    if (!compared) return;
    RMS_NORM(double, f64, double, f64)
    RESIDUAL_NORM(double, f64, double, f64, double, f64)
    GRADIENT(double, f64, double, f64, 1)
}

int main(int count, char **arguments) {
    begin(count, arguments);
    references([] {
        Values x = normals(3, 3 * 7), weight = normals(1, 7), dy = normals(6, 3 * 7);
        Reference r(x, weight, 1, dy, {});
        gradient("RMS norm by x", x, r.dx, [&](const Values &v) { return dot(Reference(v, weight, 1, {}, {}).y, dy); });
        gradient("RMS norm by weight", weight, r.dWeight, [&](const Values &v) {
            return dot(Reference(x, v, 1, {}, {}).y, dy);
        });
    });
    const Size full = 4 * FOURS * LANES;
    if (options.checks) {
        if (FOURS == 0) {
            cases(67, 77, 0, true);
            cases(3, 9001, 1, true);
        } else {
            cases(67, full, 0, true);
            cases(33, full - LANES / 2 - 4, 1, true);
        }
        cases(1, FOURS == 0 ? 13 : full, 0, true);
        cases(300, FOURS == 0 ? 65 : full, 0, true);
    }
    // the stream's rows, or those of 32 heads
    if (options.times)
        cases(
            extent("rows", LANES == 32 ? 32 * 16384 : 16384), extent("D", FOURS > 0 ? full : LANES == 32 ? 77 : 2047), 0,
            false);
    return end();
}
