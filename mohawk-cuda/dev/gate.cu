// What stands around a state-space layer's product: gate and way around the state apart (gate.cu), and both in one,
// with the decay, in the rows of a projection (mamba.cu).

#include "check.cuh"

#include <gate.cu>

#include <mamba.cu>

using namespace check;

static const Size LENGTH = 32; // rows that a thread adds up

// Rows [rows, width] of heads; projected rows have a stride, z begins at gateFrom and the decay follows it.
struct Extents {
    Size rows, width, heads, stride, gateFrom;

    Size n() const { return rows * width; }
    Size head() const { return width / heads; }
    Size decayFrom() const { return gateFrom + width; }
    Size stretches() const { return ceilOf(rows, LENGTH); }
    Size z(Size i) const { return i / width * stride + gateFrom + i % width; }
    Size decay(Size i) const { return i / heads * stride + decayFrom() + i % heads; }
    Size sums(Size i) const { return i / width / LENGTH * width + i % width; }
    std::string text() const { return check::text("[%lld, %lld] H%lld", rows, width, heads); }
};

// (y + skip x) silu(z + bias), z in rows of a stride; without skips y alone is gated.
struct Reference {
    Values out, dy, dz, skipSums, biasSums;

    Reference(
        const Extents &e, const Values &y, const Values &x, const Values &skips, const Values &z, const Values &bias,
        const Values &dOut)
        : out(e.n()) {
        if (!dOut.empty()) {
            dy.resize(e.n());
            dz.resize(z.size());
            skipSums.resize(e.stretches() * e.width);
            biasSums.resize(e.stretches() * e.width);
        }
        for (Size i = 0; i < e.n(); i++) {
            double way = x.empty() ? 0 : x[i], skip = skips.empty() ? 0 : skips[i % e.width / e.head()];
            double u = z[e.z(i)] + bias[i % e.width], share = sigmoid(u), mixed = y[i] + skip * way;
            out[i] = mixed * u * share;
            if (dOut.empty()) continue;
            dy[i] = dOut[i] * u * share;
            dz[e.z(i)] = dOut[i] * mixed * share * (1 + u * (1 - share));
            skipSums[e.sums(i)] += dy[i] * way;
            biasSums[e.sums(i)] += dz[e.z(i)];
        }
    }
};

template <typename T>
static double allowed() {
    return sizeof(T) == 2 ? 5e-3 : sizeof(T) == 4 ? 5e-6 : 1e-12;
}

template <typename T>
static double allowedOfSums() {
    return sizeof(T) == 2 ? 1e-3 : sizeof(T) == 4 ? 1e-5 : 1e-12;
}

template <typename T, typename F, typename S>
static void forwardAt(const std::string &type, F gate, S skip, const Extents &e, bool compared) {
    auto run = compared ? checks : times;
    Buffer<T> x(e.n()), z(e.n()), out(e.n());
    Buffer<Compute<T>> bias(e.width), skips(e.heads);
    x.normal(1);
    z.normal(2, 2);
    bias.normal(3);
    skips.normal(4);
    Extents dense = {e.rows, e.width, e.heads, e.width, 0};
    double bytes = 3.0 * e.n() * sizeof(T);
    run("gate" + type, [&] {
        Case test("gate" + type, e.text());
        Values expected;
        if (compared) expected = Reference(dense, x.values(), {}, {}, z.values(), bias.values(), {}).out;
        test.result("y", out, expected, allowed<T>());
        auto launches = [&] { launch(gate, each(e.n()), x, z, bias, out, e.n(), e.width); };
        compared ? test.check(launches) : test.time(launches, bytes);
    });
    run("skip" + type, [&] {
        Case test("skip" + type, e.text());
        Values expected;
        if (compared) {
            Values way = z.values(), factors = skips.values();
            expected = x.values();
            for (Size i = 0; i < e.n(); i++) expected[i] += factors[i % e.width / e.head()] * way[i];
        }
        test.result("y", out, expected, allowed<T>());
        auto launches = [&] { launch(skip, each(e.n()), x, z, skips, out, e.n(), e.width, e.head()); };
        compared ? test.check(launches) : test.time(launches, bytes);
    });
}

template <typename G, typename T, typename F, typename S>
static void backwardAt(const std::string &types, F gate, S skip, const Extents &e, bool compared) {
    auto run = compared ? checks : times;
    Buffer<G> dOut(e.n());
    Buffer<T> x(e.n()), z(e.n()), dx(e.n()), dz(e.n());
    Buffer<Compute<T>> bias(e.width), skips(e.heads), sums(e.stretches() * e.width);
    dOut.normal(5);
    x.normal(1);
    z.normal(2, 2);
    bias.normal(3);
    skips.normal(4);
    Extents dense = {e.rows, e.width, e.heads, e.width, 0};
    Grid grid = each(fours(e.stretches() * e.width));
    run("gate_gradient" + types, [&] {
        Case test("gate_gradient" + types, e.text());
        auto launches = [&] {
            launch(gate, grid, dOut, x, z, bias, dx, dz, sums, e.rows, e.width, LENGTH);
        };
        if (!compared) {
            test.result("dx", dx).result("dz", dz).result("sums", sums);
            test.time(launches, (double)e.n() * (sizeof(G) + 4 * sizeof(T)));
            return;
        }
        Reference r(dense, x.values(), {}, {}, z.values(), bias.values(), dOut.values());
        test.result("dx", dx, r.dy, allowed<T>()).result("dz", dz, r.dz, allowed<T>());
        test.result("sums", sums, r.biasSums, allowedOfSums<T>()).check(launches);
    });
    run("skip_gradient" + types, [&] {
        Case test("skip_gradient" + types, e.text());
        auto launches = [&] {
            launch(skip, grid, dOut, x, skips, dx, sums, e.rows, e.width, LENGTH, e.head());
        };
        if (!compared) {
            test.result("dx", dx).result("sums", sums);
            test.time(launches, (double)e.n() * (sizeof(G) + 2 * sizeof(T)));
            return;
        }
        Values out = dOut.values(), way = x.values(), factors = skips.values(), columns(sums.count);
        for (Size i = 0; i < e.n(); i++) {
            columns[e.sums(i)] += out[i] * way[i];
            out[i] *= factors[i % e.width / e.head()];
        }
        test.result("dx", dx, out, allowed<T>());
        test.result("sums", sums, columns, sizeof(T) == 8 ? 1e-12 : 1e-5).check(launches);
    });
}

// mamba.cu, in bfloat16 alone.
static void projected(const Extents &e, bool compared) {
    auto run = compared ? checks : times;
    Size decays = e.rows * e.heads;
    Buffer<Bf16> rows(e.rows * e.stride), dRows(e.rows * e.stride);
    Buffer<Bf16> y(e.n()), x(e.n()), out(e.n()), dOut(e.n()), dy(e.n());
    Buffer<float> skips(e.heads), bias(e.width), decayed(decays), dDecayed(decays);
    Buffer<float> skipSums(e.stretches() * e.width), biasSums(e.stretches() * e.width);
    rows.normal(1, 2);
    dRows.zero(); // what other kernels write stays
    y.normal(2);
    x.normal(3);
    dOut.normal(4);
    skips.normal(5);
    bias.normal(6);
    dDecayed.normal(7);
    Bf16 *z = rows + e.gateFrom, *dz = dRows + e.gateFrom, *a = rows + e.decayFrom(), *da = dRows + e.decayFrom();
    Values in = compared ? rows.values() : Values();
    run("decay", [&] {
        Values expected;
        for (Size i = 0; compared && i < decays; i++) expected.push_back(-std::log1p(std::exp(in[e.decay(i)])));
        Case test("decay", e.text());
        test.result("y", decayed, expected, 2e-6);
        auto launches = [&] { launch(decay, each(decays), a, decayed, decays, e.heads, e.stride); };
        compared ? test.check(launches) : test.time(launches, 6.0 * decays);
    });
    run("decay_gradient", [&] {
        Case test("decay_gradient", e.text());
        auto launches = [&] { launch(decay_gradient, each(decays), dDecayed, a, da, decays, e.heads, e.stride); };
        if (!compared) {
            test.time(launches, 8.0 * decays);
            return;
        }
        Values expected(dRows.count), upstream = dDecayed.values();
        for (Size i = 0; i < decays; i++) expected[e.decay(i)] = -upstream[i] * sigmoid(in[e.decay(i)]);
        test.inPlace("dRows", dRows, expected, 5e-3).check(launches);
    });
    run("gate_around", [&] {
        Case test("gate_around", e.text());
        Values expected;
        if (compared)
            expected = Reference(e, y.values(), x.values(), skips.values(), in, bias.values(), {}).out;
        test.result("out", out, expected, 5e-3);
        auto launches = [&] {
            launch(gate_around, each(fours(e.n())), y, x, skips, z, bias, out, e.n(), e.width, e.head(), e.stride);
        };
        compared ? test.check(launches) : test.time(launches, 8.0 * e.n());
    });
    dRows.zero();
    run("gate_around_gradient", [&] {
        Case test("gate_around_gradient", e.text());
        auto launches = [&] {
            launch(
                gate_around_gradient, each(fours(e.stretches() * e.width)), dOut, y, x, skips, z, bias, dy, dz,
                skipSums, biasSums, e.rows, e.width, e.head(), e.stride, LENGTH);
        };
        if (!compared) {
            test.result("dy", dy).result("skipSums", skipSums).result("biasSums", biasSums);
            test.time(launches, 12.0 * e.n());
            return;
        }
        Reference r(e, y.values(), x.values(), skips.values(), in, bias.values(), dOut.values());
        test.result("dy", dy, r.dy, 5e-3).inPlace("dRows", dRows, r.dz, 5e-3);
        test.result("skipSums", skipSums, r.skipSums, 1e-3).result("biasSums", biasSums, r.biasSums, 1e-3);
        test.check(launches);
    });
}

static void cases(const Extents &e, bool compared) {
#define FORWARD_OF(T, t) forwardAt<T>("_" #t, gate_##t, skip_##t, e, compared);
#define BACKWARD_OF(G, g, T, t)                                                                                        \
    backwardAt<G, T>("_" #g "_" #t, gate_gradient_##g##_##t, skip_gradient_##g##_##t, e, compared);
    FORWARD_OF(Bf16, bf16)
    FORWARD_OF(float, f32)
    BACKWARD_OF(Bf16, bf16, Bf16, bf16)
    BACKWARD_OF(float, f32, float, f32)
    if (compared) {
        FORWARD_OF(double, f64)
        BACKWARD_OF(double, f64, double, f64)
        BACKWARD_OF(float, f32, Bf16, bf16)
        BACKWARD_OF(Bf16, bf16, float, f32)
    }
    // Java asks that groups of four are cut nowhere
    if (e.head() % 4 == 0 && e.stride % 4 == 0) projected(e, compared);
}

int main(int count, char **arguments) {
    begin(count, arguments);
    references([] {
        Extents e = {3, 6, 2, 11, 2};
        Values y = normals(1, 18), x = normals(2, 18), d = normals(3, 2), z = normals(4, 33), b = normals(5, 6);
        Values dOut = normals(6, 18), ofSkip(2);
        Reference r(e, y, x, d, z, b, dOut);
        for (Size i = 0; i < 6; i++) ofSkip[i / 3] += r.skipSums[i];
        auto loss = [&](const Reference &f) { return dot(f.out, dOut); };
        gradient("gate by y", y, r.dy, [&](const Values &v) { return loss({e, v, x, d, z, b, {}}); });
        gradient("gate by z", z, r.dz, [&](const Values &v) { return loss({e, y, x, d, v, b, {}}); });
        gradient("gate by skip", d, ofSkip, [&](const Values &v) { return loss({e, y, x, v, z, b, {}}); });
        gradient("gate by bias", b, r.biasSums, [&](const Values &v) { return loss({e, y, x, d, z, v, {}}); });
    });
    if (options.checks) {
        cases({67, 63, 7, 63 + 20 + 7, 20}, true);
        cases({70, 96, 4, 96 + 40 + 4, 40}, true);
    }
    if (options.times) {
        Size width = extent("D", 2048), states = extent("GN", 2048), heads = extent("H", 32);
        cases({extent("rows", 16384), width, heads, 2 * width + 2 * states + heads, width + 2 * states}, false);
    }
    return end();
}
