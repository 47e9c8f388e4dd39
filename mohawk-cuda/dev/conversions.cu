// Conversions between types, and the deterministic dithered rounding of parameters: the rest of elementwise.cu. Results
// are exact.

#include "check.cuh"

#include <elementwise.cu>

using namespace check;

// As Dithered in the kernels' common.cuh, written again.
static double dithered(double x, Size place) {
    unsigned h = (unsigned)(place / 2) + 1;
    h = (h ^ (h >> 16)) * 0x85ebca6bu;
    h = (h ^ (h >> 13)) * 0xc2b2ae35u;
    h ^= h >> 16;
    unsigned threshold = place % 2 ? h >> 16 : h & 0xffff;
    return bitsToFloat((floatToBits((float)x) + threshold) & 0xffff0000u);
}

static float halfToFloat(unsigned short bits) {
    int exponent = bits >> 10 & 31, fraction = bits & 1023;
    double size = exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
    return (float)(bits >> 15 ? -size : size);
}

template <typename X, typename Y, typename K>
static void fast(const char *name, K kernel, Size n, bool compared, double (*expected)(double, Size)) {
    (compared ? checks : times)(name, [&] {
        Buffer<X> x(n);
        Buffer<Y> y(n);
        x.normal(1);
        Case test(name, text("[%lld]", n));
        auto launches = [&] { launch(kernel, each(fours(n)), x, y, n); };
        if (!compared) {
            test.result("y", y).time(launches, (double)n * (sizeof(X) + sizeof(Y)));
            return;
        }
        Values out = x.values();
        for (Size i = 0; i < n; i++) out[i] = expected(out[i], i);
        test.result("y", y, out, 0).check(launches);
    });
}

// Half precision comes back as bits.
template <typename X, typename Y>
static void slow(const char *of, int from, int to, Size n, double scale, double (*expected)(double)) {
    checks("cast", [&] {
        Buffer<X> x(n);
        Buffer<Y> y(n);
        Values in = normals(1, n, scale);
        for (double &v : in) v = std::is_integral<X>::value ? std::trunc(v) : v;
        x.round(in);
        Values out = x.values();
        for (double &v : out) v = expected(v);
        Case("cast", text("[%lld] %s", n, of)).result("y", y, out, 0).check([&] {
            launch(cast, each(n), (const void *)x.at(), from, (void *)y.at(), to, n);
        });
    });
}

static double same(double x) { return x; }
static double toFloat(double x) { return (float)x; }
static double truncated(double x) { return std::trunc(x); }
static double toHalfBits(double x) {
    // the nearest of all that there are, ties to even
    int best = 0;
    double distance = INFINITY;
    for (int bits = 0; bits < 0x7c00; bits++) {
        double d = std::fabs(halfToFloat((unsigned short)bits) - std::fabs(x));
        if (d < distance || (d == distance && bits % 2 == 0)) distance = d, best = bits;
    }
    return best + (x < 0 ? 0x8000 : 0);
}

// A number a third of the way up goes up in a third of all places.
static void meanOfRounded() {
    checks("round_dithered", [] {
        Size n = 1 << 20;
        Buffer<float> x(n);
        Buffer<Bf16> y(n);
        for (double share : {0.1, 1.0 / 3, 0.9}) {
            double low = 1.5, step = 1.0 / 128, value = low + share * step;
            x.round(Values(n, value));
            launch(round_dithered, each(fours(n)), x, y, n);
            double sum = 0;
            for (double v : y.values()) sum += v;
            double found = (sum / n - low) / step;
            std::printf("%-28s %-30s mean %.5f", "round_dithered", text("%g of a step", share).c_str(), found);
            verdict(std::fabs(found - share) < 3e-3);
        }
    });
}

static void cases(Size n, bool compared) {
    fast<float, Bf16>("cast_f32_bf16", cast_f32_bf16, n, compared, [](double x, Size) { return rounded<Bf16>(x); });
    fast<Bf16, float>("cast_bf16_f32", cast_bf16_f32, n, compared, [](double x, Size) { return x; });
    fast<float, Bf16>("round_dithered", round_dithered, n, compared, dithered);
}

int main(int count, char **arguments) {
    begin(count, arguments);
    references([] {
        // a half of every kind comes back as itself
        bool good = true;
        for (int bits : {0, 1, 2, 1023, 1024, 1025, 0x3c00, 0x7bff, 0x8001, 0xbc01})
            good &= toHalfBits(halfToFloat((unsigned short)bits)) == bits;
        std::printf("reference of half precision");
        verdict(good && dithered(1.5, 7) == 1.5 && rounded<Bf16>(1.00390625) == 1.0);
    });
    if (options.checks) {
        for (Size n : {1, 7, 1000, 1 << 20}) cases(n, true);
        meanOfRounded();
        slow<double, float>("f64 to f32", F64, F32, 1003, 1, toFloat);
        slow<float, double>("f32 to f64", F32, F64, 1003, 1, same);
        slow<int, float>("i32 to f32", I32, F32, 1003, 1000, same);
        slow<float, int>("f32 to i32", F32, I32, 1003, 1000, truncated);
        slow<int, Size>("i32 to i64", I32, I64, 1003, 1000, same);
        slow<float, unsigned short>("f32 to f16", F32, F16, 503, 1, toHalfBits);
    }
    if (options.times) cases(extent("n", 1 << 27), false);
    return end();
}
