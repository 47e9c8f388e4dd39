// The distance of stage 1 between attention and a semiseparable matrix, with its gradient: frobenius_forward.cu and
// frobenius_backward.cu.
//
// variant: p64-n64-wgmma -DFROB_P=64 -DFROB_N=64 -DFROB_WGMMA=1
// variant: p64-n64-mma -DFROB_P=64 -DFROB_N=64 -DFROB_WGMMA=0
// variant: p32-n16-mma -DFROB_P=32 -DFROB_N=16 -DFROB_WGMMA=0
// variant: p64-n128-mma -DFROB_P=64 -DFROB_N=128 -DFROB_WGMMA=0
// variant: p128-n128-mma -DFROB_P=128 -DFROB_N=128 -DFROB_WGMMA=0

#include "check.cuh"

#include <frobenius_forward.cu>

#include <frobenius_backward.cu>

HOST_SIDE_OF(frobeniusForwardSizes)
HOST_SIDE_OF(frobeniusBackwardSizes)

using namespace check;

struct Extents {
    int batch, time, heads, groups;

    int blocks() const { return batch * heads; }
    Size positions() const { return (Size)blocks() * time; }
    Size q(int b, int t, int h) const { return (((Size)b * time + t) * heads + h) * P; }
    Size c(int b, int t, int h) const { return (((Size)b * time + t) * groups + h / (heads / groups)) * N; }
    Size ofC() const { return (Size)batch * time * groups * N; }
    float scale() const { return 1 / std::sqrt((float)P); }
    double pairs() const { return (double)positions() * (time + 1) / 2; }
    std::string text() const { return check::text("B%d T%d H%d G%d P%d N%d", batch, time, heads, groups, P, N); }
};

// Both matrices of a head, row by row.
struct Reference {
    double loss = 0;
    Values dc, db, da, dSkip;

    Reference(
        const Extents &e, const Values &q, const Values &k, const Values &c, const Values &b, const Values &a,
        const Values &skip, double upstream)
        : dc(e.ofC()), db(e.ofC()), da(e.positions()), dSkip(e.heads) {
        for (int i = 0; i < e.batch; i++)
            for (int h = 0; h < e.heads; h++) {
                int T = e.time;
                Values error((Size)T * T), student((Size)T * T), decay((Size)T * T);
                double squares = 0;
                for (int t = 0; t < T; t++) {
                    double sum = 0, largest = -INFINITY, passed = 0;
                    double *row = &error[(Size)t * T];
                    for (int s = 0; s <= t; s++) {
                        double score = 0;
                        for (int x = 0; x < P; x++) score += q[e.q(i, t, h) + x] * k[e.q(i, s, h) + x];
                        row[s] = score * e.scale();
                        largest = std::max(largest, row[s]);
                    }
                    for (int s = 0; s <= t; s++) sum += row[s] = std::exp(row[s] - largest);
                    for (int s = t; s >= 0; s--) {
                        double product = 0;
                        for (int n = 0; n < N; n++) product += c[e.c(i, t, h) + n] * b[e.c(i, s, h) + n];
                        decay[(Size)t * T + s] = std::exp(passed);
                        passed += a[e.q(i, s, h) / P];
                        student[(Size)t * T + s] = decay[(Size)t * T + s] * product;
                        row[s] = student[(Size)t * T + s] + (s == t ? skip[h] : 0) - row[s] / sum;
                        squares += row[s] * row[s];
                    }
                }
                double norm = std::sqrt(squares), scale = norm == 0 ? 0 : upstream / (norm * e.blocks());
                loss += norm / e.blocks();
                // of the decay at r: all pairs s < r <= t
                Values through(T + 1);
                for (int t = 0; t < T; t++)
                    for (int s = 0; s <= t; s++) {
                        double g = scale * error[(Size)t * T + s], byProduct = g * decay[(Size)t * T + s];
                        for (int n = 0; n < N; n++) {
                            dc[e.c(i, t, h) + n] += byProduct * b[e.c(i, s, h) + n];
                            db[e.c(i, s, h) + n] += byProduct * c[e.c(i, t, h) + n];
                        }
                        if (s == t) dSkip[h] += g;
                        through[s + 1] += g * student[(Size)t * T + s];
                        through[t + 1] -= g * student[(Size)t * T + s];
                    }
                for (double sum = 0, r = 0; r < T; r++) da[e.q(i, (int)r, h) / P] = sum += through[(Size)r];
            }
    }
};

// Heads that forget within some steps, so that whole tiles are dead, and such that remember for hundreds.
static Values decays(const Extents &e) {
    Values a = normals(5, e.positions());
    for (Size i = 0; i < e.positions(); i++) a[i] = -std::fabs(1.1 + a[i]) * std::pow(0.1, (double)(i % e.heads % 3));
    return a;
}

struct Call {
    Extents e;
    std::array<int, 4> needed = sizes(frobeniusForwardSizes);
    int tiles = (int)ceilOf(e.time, needed[1]), padded = tiles * needed[1];
    Size blocks = e.blocks(), perPosition = blocks * padded, perTile = blocks * tiles;
    Buffer<Bf16> q{e.positions() * P}, k{e.positions() * P}, c{e.ofC()}, b{e.ofC()};
    Buffer<float> a{e.positions()}, skip{e.heads}, upstream{1};
    Buffer<float> prefix{perPosition}, rowFactor{perPosition}, columnFactor{perPosition};
    Buffer<float> total{blocks * padded / GRANULE}, lse{perPosition}, dead{perTile}, squares{perTile};
    Buffer<float> ofC{e.positions() * N}, rowSums{perPosition}, diagonal{perTile}, norm{blocks}, loss{1};
    Buffer<float> ofB{e.positions() * N}, columnSums{perPosition}, dc{e.ofC()}, db{e.ofC()}, da{e.positions()};
    Buffer<float> dSkip{e.heads};
    Grid overTiles{dim3((unsigned)blocks, tiles), needed[0], needed[3]};

    explicit Call(const Extents &e) : e(e) {
        q.normal(1, 4);
        k.normal(2);
        c.normal(3, 0.25f);
        b.normal(4, 0.25f);
        a.round(decays(e));
        skip.normal(6);
        upstream.round({1.5});
    }

    void decay() {
        launch(
            frob_decay, {dim3((unsigned)ceilOf(perPosition / GRANULE, 4)), 128}, a, prefix, rowFactor, columnFactor,
            total, e.batch, e.time, e.heads, padded);
    }
    void logSums() {
        launch(
            frob_lse, {dim3((unsigned)blocks, tiles), needed[0], needed[2]}, q, k, prefix, total, lse, dead, e.scale(),
            e.time, e.heads, padded);
    }
    void rows() {
        launch(
            frob_rows, overTiles, q, k, c, b, lse, prefix, rowFactor, columnFactor, total, skip, ofC, rowSums, squares,
            diagonal, e.scale(), e.time, e.heads, e.groups, padded);
    }
    void rowsLoss() {
        launch(
            frob_rows_loss, overTiles, q, k, c, b, lse, prefix, rowFactor, columnFactor, total, skip, squares,
            e.scale(), e.time, e.heads, e.groups, padded);
    }
    void norms() { launch(frob_norm, {dim3(1), 1024}, squares, dead, norm, loss, (int)blocks, tiles); }
    void columns() {
        static auto s = sizes(frobeniusBackwardSizes);
        launch(
            frob_cols, {dim3((unsigned)blocks, tiles), s[0], s[1]}, q, k, c, b, lse, prefix, rowFactor, columnFactor,
            total, skip, ofB, columnSums, e.scale(), e.time, e.heads, e.groups, padded);
    }
    void gradients() {
        launch(
            frob_grad_bc_f32, {dim3((unsigned)ceilOf(e.ofC() / 4, 256), 1, 2)}, ofC, ofB, norm, upstream, dc, db,
            e.batch, e.time, e.heads, e.groups);
        launch(
            frob_grad_decay, {dim3((unsigned)blocks), 1024}, rowSums, columnSums, diagonal, norm, upstream, da, dSkip,
            e.batch, e.time, e.heads, padded, tiles);
    }
    void forward(bool tracked) {
        decay();
        logSums();
        tracked ? rows() : rowsLoss();
        norms();
    }
    void backward() {
        columns();
        gradients();
    }
};

static void checkAt(const Extents &e) {
    Call c(e);
    Reference r(
        e, c.q.values(), c.k.values(), c.c.values(), c.b.values(), c.a.values(), c.skip.values(),
        c.upstream.values()[0]);
    checks("frobenius", [&] {
        Case("frobenius", e.text() + " loss").result("loss", c.loss, {r.loss}, 1e-3).check([&] { c.forward(false); });
        Case("frobenius", e.text())
            .result("loss", c.loss, {r.loss}, 1e-3)
            .result("dc", c.dc, r.dc, 2e-2)
            .result("db", c.db, r.db, 2e-2)
            .result("da", c.da, r.da, 2e-2)
            .result("dSkip", c.dSkip, r.dSkip, 2e-2)
            .check([&] {
                c.forward(true);
                c.backward();
            });
    });
}

static void timeAt(const Extents &e) {
    Call c(e);
    double n = e.pairs(), operands = 2.0 * (2 * e.positions() * P + 2 * e.ofC()), perHead = 4.0 * e.positions() * N;
    // each on its own needs what those before it leave
    c.forward(true);
    c.backward();
    CHECKED(cudaDeviceSynchronize());
    times("frob_lse", [&] {
        Case("frob_lse", e.text()).result("dead", c.dead).time([&] { c.logSums(); }, operands / 2, 2 * n * P);
    });
    times("frob_rows", [&] {
        Case("frob_rows", e.text())
            .result("dc", c.ofC)
            .time([&] { c.rows(); }, operands + perHead, 2 * n * (P + 2 * N));
    });
    times("frob_rows_loss", [&] {
        Case("frob_rows_loss", e.text())
            .result("squares", c.squares)
            .time([&] { c.rowsLoss(); }, operands, 2 * n * (P + N));
    });
    times("frob_cols", [&] {
        Case("frob_cols", e.text())
            .result("db", c.ofB)
            .time([&] { c.columns(); }, operands + perHead, 2 * n * (P + 2 * N));
    });
    times("frob_grad", [&] {
        Case("frob_grad", e.text())
            .result("dc", c.dc)
            .result("db", c.db)
            .result("da", c.da)
            .time([&] { c.gradients(); }, 2 * perHead + 8.0 * e.ofC() + 12.0 * e.positions());
    });
    times("frobenius", [&] {
        Case("frobenius", e.text() + " both")
            .result("loss", c.loss)
            .result("da", c.da)
            .time(
                [&] {
                    c.forward(true);
                    c.backward();
                },
                2 * operands + 4 * perHead, n * (6 * P + 8 * N));
    });
}

int main(int count, char **arguments) {
    begin(count, arguments);
    references([] {
        Extents e = {2, 7, 4, 2};
        Values q = normals(1, e.positions() * P), k = normals(2, e.positions() * P), c = normals(3, e.ofC(), 0.3);
        Values b = normals(4, e.ofC(), 0.3), a = decays(e), d = normals(6, e.heads);
        Reference r(e, q, k, c, b, a, d, 1);
        gradient("distance by c", c, r.dc, [&](const Values &x) { return Reference(e, q, k, x, b, a, d, 1).loss; });
        gradient("distance by b", b, r.db, [&](const Values &x) { return Reference(e, q, k, c, x, a, d, 1).loss; });
        gradient("distance by decay", a, r.da, [&](const Values &x) { return Reference(e, q, k, c, b, x, d, 1).loss; });
        gradient("distance by skip", d, r.dSkip, [&](const Values &x) {
            return Reference(e, q, k, c, b, a, x, 1).loss;
        });
    });
    if (options.checks) {
        checkAt({2, 200, 3, 3});
        checkAt({1, 333, 4, 2});
        checkAt({1, 1, 2, 1});
    }
    if (options.times) {
        int heads = (int)extent("H", 2048 / P);
        timeAt({(int)extent("B", 8), (int)extent("T", 2048), heads, (int)extent("G", heads)});
    }
    return end();
}
