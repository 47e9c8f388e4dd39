// Causal attention, forward or backward: attention_forward.cu and attention_backward.cu, which have names in common and
// are compiled apart.
//
// variant: forward-p64-wgmma -DATTENTION_P=64 -DATTENTION_WGMMA=1
// variant: forward-p64-mma -DATTENTION_P=64 -DATTENTION_WGMMA=0
// variant: forward-p32-wgmma -DATTENTION_P=32 -DATTENTION_WGMMA=1
// variant: forward-p32-mma -DATTENTION_P=32 -DATTENTION_WGMMA=0
// variant: forward-p128-wgmma -DATTENTION_P=128 -DATTENTION_WGMMA=1
// variant: forward-p128-mma -DATTENTION_P=128 -DATTENTION_WGMMA=0
// variant: backward-p64-wgmma -DBACKWARD -DATTENTION_P=64 -DATTENTION_WGMMA=1
// variant: backward-p64-mma -DBACKWARD -DATTENTION_P=64 -DATTENTION_WGMMA=0
// variant: backward-p32-wgmma -DBACKWARD -DATTENTION_P=32 -DATTENTION_WGMMA=1
// variant: backward-p32-mma -DBACKWARD -DATTENTION_P=32 -DATTENTION_WGMMA=0
// variant: backward-p128-wgmma -DBACKWARD -DATTENTION_P=128 -DATTENTION_WGMMA=1
// variant: backward-p128-mma -DBACKWARD -DATTENTION_P=128 -DATTENTION_WGMMA=0
// variant: forward-p96-wgmma -DATTENTION_P=96 -DATTENTION_WGMMA=1
// variant: forward-p96-mma -DATTENTION_P=96 -DATTENTION_WGMMA=0
// variant: backward-p96-wgmma -DBACKWARD -DATTENTION_P=96 -DATTENTION_WGMMA=1
// variant: backward-p96-mma -DBACKWARD -DATTENTION_P=96 -DATTENTION_WGMMA=0
// variant: forward-p256-wgmma-cap -DATTENTION_P=256 -DATTENTION_WGMMA=1 -DATTENTION_SCORES=2
// variant: forward-p256-mma -DATTENTION_P=256 -DATTENTION_WGMMA=0
// variant: forward-p64-wgmma-window -DATTENTION_P=64 -DATTENTION_WGMMA=1 -DATTENTION_SCORES=1
// variant: forward-p64-mma-cap -DATTENTION_P=64 -DATTENTION_WGMMA=0 -DATTENTION_SCORES=2
// variant: forward-p128-wgmma-cap -DATTENTION_P=128 -DATTENTION_WGMMA=1 -DATTENTION_SCORES=2
// variant: backward-p64-wgmma-window -DBACKWARD -DATTENTION_P=64 -DATTENTION_WGMMA=1 -DATTENTION_SCORES=1
// variant: backward-p64-mma-cap -DBACKWARD -DATTENTION_P=64 -DATTENTION_WGMMA=0 -DATTENTION_SCORES=2
// variant: backward-p128-wgmma-cap -DBACKWARD -DATTENTION_P=128 -DATTENTION_WGMMA=1 -DATTENTION_SCORES=2

#include "check.cuh"

#ifdef BACKWARD
#include <attention_backward.cu>
HOST_SIDE_OF(attentionBackwardSizes)
#else
#include <attention_forward.cu>
HOST_SIDE_OF(attentionForwardSizes)
#endif

using namespace check;

struct Extents {
    int batch, queries, time, heads, groups;
    int window = 0;
    float cap = 0;

    Size ofQueries() const { return (Size)batch * queries * heads * P; }
    Size ofKeys() const { return (Size)batch * time * groups * P; }
    Size rows() const { return (Size)batch * heads * queries; }
    Size query(int b, int i, int h) const { return (((Size)b * queries + i) * heads + h) * P; }
    Size key(int b, int t, int h) const { return (((Size)b * time + t) * groups + h / (heads / groups)) * P; }
    // of queries and keys, that every head sees
    double pairs() const {
        double sum = 0;
        for (int i = 0; i < queries; i++) sum += time - queries + i + 1 - firstSeen(i);
        return (double)batch * heads * sum;
    }
    int firstSeen(int i) const { return window > 0 ? std::max(0, time - queries + i + 1 - window) : 0; }
    std::string text() const {
        return check::text(
            "B%d Tq%d T%d H%d G%d P%d window %d cap %g", batch, queries, time, heads, groups, P, window, cap);
    }
    float scale() const { return 1 / std::sqrt((float)P); }
};

struct Reference {
    Values out, lse, delta, dq, dk, dv;

    // Gradients only if there is a dout.
    Reference(const Extents &e, const Values &q, const Values &k, const Values &v, const Values &dout)
        : out(e.ofQueries()), lse(e.rows()), delta(e.rows()) {
        if (!dout.empty()) {
            dq.resize(e.ofQueries());
            dk.resize(e.ofKeys());
            dv.resize(e.ofKeys());
        }
        double scale = e.scale();
        for (int b = 0; b < e.batch; b++)
            for (int h = 0; h < e.heads; h++)
                for (int i = 0; i < e.queries; i++) {
                    int seen = e.time - e.queries + i + 1, from = e.firstSeen(i);
                    Size at = e.query(b, i, h), row = ((Size)b * e.heads + h) * e.queries + i;
                    Values p(seen), slope(seen, 1);
                    double largest = -INFINITY, sum = 0;
                    for (int s = from; s < seen; s++) {
                        for (int x = 0; x < P; x++) p[s] += scale * q[at + x] * k[e.key(b, s, h) + x];
                        if (e.cap > 0) {
                            double bounded = std::tanh(p[s] / e.cap);
                            slope[s] = 1 - bounded * bounded;
                            p[s] = e.cap * bounded;
                        }
                        largest = std::max(largest, p[s]);
                    }
                    for (int s = from; s < seen; s++) sum += p[s] = std::exp(p[s] - largest);
                    lse[row] = largest + std::log(sum);
                    for (int s = from; s < seen; s++) {
                        p[s] /= sum;
                        for (int x = 0; x < P; x++) out[at + x] += p[s] * v[e.key(b, s, h) + x];
                    }
                    if (dout.empty()) continue;
                    for (int x = 0; x < P; x++) delta[row] += dout[at + x] * out[at + x];
                    for (int s = from; s < seen; s++) {
                        Size key = e.key(b, s, h);
                        double dp = 0;
                        for (int x = 0; x < P; x++) dp += dout[at + x] * v[key + x];
                        double ds = scale * p[s] * slope[s] * (dp - delta[row]);
                        for (int x = 0; x < P; x++) {
                            dq[at + x] += ds * k[key + x];
                            dk[key + x] += ds * q[at + x];
                            dv[key + x] += p[s] * dout[at + x];
                        }
                    }
                }
    }
};

static Grid tiles(int positions, int heads, int batch, int warpgroups, int shared) {
    return {dim3((unsigned)ceilOf(positions, 64 * warpgroups), heads, batch), 128 * warpgroups, shared};
}

// Arrays of one call, filled with random numbers.
struct Call {
    Extents e;
    Buffer<Bf16> q{e.ofQueries()}, k{e.ofKeys()}, v{e.ofKeys()}, out{e.ofQueries()};
    Buffer<float> lse{e.rows()};
    Buffer<Bf16> dout{e.ofQueries()}, dq{e.ofQueries()}, dk{e.ofKeys()}, dv{e.ofKeys()};
    Buffer<float> delta{e.rows()};

    explicit Call(const Extents &e) : e(e) {
        q.normal(1, 2);
        k.normal(2);
        v.normal(3);
        dout.normal(4);
    }

#ifdef BACKWARD
    void ofDelta() {
        static auto s = sizes(attentionBackwardSizes);
        launch(
            attention_delta, {dim3((unsigned)ceilOf(e.ofQueries() / P * s[4], 256))}, out, dout, delta, e.batch,
            e.queries, e.heads);
    }
    void ofKeys() {
        static auto s = sizes(attentionBackwardSizes);
        launch(
            attention_backward_kv, tiles(e.time, e.groups, e.batch, s[0], s[1]), q, k, v, dout, lse, delta, dk, dv,
            e.queries, e.time, e.heads, e.groups, e.scale(), e.cap, e.window);
    }
    void ofQueries() {
        static auto s = sizes(attentionBackwardSizes);
        launch(
            attention_backward_q, tiles(e.queries, e.heads, e.batch, s[2], s[3]), q, k, v, dout, lse, delta, dq,
            e.queries, e.time, e.heads, e.groups, e.scale(), e.cap, e.window);
    }
#else
    void forward() {
        static auto s = sizes(attentionForwardSizes);
        launch(
            attention_forward, tiles(e.queries, e.heads, e.batch, s[0], s[1]), q, k, v, out, lse, e.queries, e.time,
            e.heads, e.groups, e.scale(), e.cap, e.window);
    }
#endif
};

static void checkAt(const Extents &e) {
    Call c(e);
#ifdef BACKWARD
    Reference r(e, c.q.values(), c.k.values(), c.v.values(), c.dout.values());
    c.out.round(r.out);
    c.lse.round(r.lse);
    checks("attention_backward", [&] {
        Case("attention_backward", e.text())
            .result("delta", c.delta, r.delta, 1e-2)
            .result("dq", c.dq, r.dq, 3e-2)
            .result("dk", c.dk, r.dk, 3e-2)
            .result("dv", c.dv, r.dv, 3e-2)
            .check([&] {
                c.ofDelta();
                c.ofKeys();
                c.ofQueries();
            });
    });
#else
    Reference r(e, c.q.values(), c.k.values(), c.v.values(), {});
    checks("attention_forward", [&] {
        Case("attention_forward", e.text())
            .result("out", c.out, r.out, 2e-2)
            .result("lse", c.lse, r.lse, 1e-4)
            .check([&] { c.forward(); });
    });
#endif
}

static void timeAt(const Extents &e) {
    Call c(e);
    double s = e.pairs(), bytes = 2.0 * (2 * e.ofQueries() + 2 * e.ofKeys()) + 4.0 * e.rows();
#ifdef BACKWARD
    // rows of scores whose logarithms of sums are about these
    Values lse(e.rows());
    for (Size i = 0; i < e.rows(); i++) lse[i] = 2 + std::log(e.time - e.queries + i % e.queries + 1.0);
    c.lse.round(lse);
    c.out.normal(5);
    c.delta.normal(6);
    times("attention_delta", [&] {
        Case("attention_delta", e.text())
            .result("delta", c.delta)
            .time([&] { c.ofDelta(); }, 4.0 * e.ofQueries() + 4.0 * e.rows());
    });
    times("attention_backward_kv", [&] {
        Case("attention_backward_kv", e.text())
            .result("dk", c.dk)
            .result("dv", c.dv)
            .time([&] { c.ofKeys(); }, bytes + 4.0 * e.ofKeys(), 8 * s * P);
    });
    times("attention_backward_q", [&] {
        Case("attention_backward_q", e.text())
            .result("dq", c.dq)
            .time([&] { c.ofQueries(); }, bytes + 2.0 * e.ofQueries(), 6 * s * P);
    });
#else
    times("attention_forward", [&] {
        Case("attention_forward", e.text())
            .result("out", c.out)
            .result("lse", c.lse)
            .time([&] { c.forward(); }, bytes, 4 * s * P);
    });
#endif
}

int main(int count, char **arguments) {
    begin(count, arguments);
    for (int windowed : {0, 1}) references([windowed] {
        Extents e = {1, 5, 9, 4, 2};
        if (windowed) e.window = 3, e.cap = 0.7f;
        Values q = normals(1, e.ofQueries()), k = normals(2, e.ofKeys()), v = normals(3, e.ofKeys());
        Values dout = normals(4, e.ofQueries());
        Reference r(e, q, k, v, dout);
        gradient("attention by q", q, r.dq, [&](const Values &x) { return dot(Reference(e, x, k, v, {}).out, dout); });
        gradient("attention by k", k, r.dk, [&](const Values &x) { return dot(Reference(e, q, x, v, {}).out, dout); });
        gradient("attention by v", v, r.dv, [&](const Values &x) { return dot(Reference(e, q, k, x, {}).out, dout); });
    });
    if (options.checks) {
        checkAt({2, 200, 200, 3, 3});
        checkAt({1, 70, 207, 4, 2});
        checkAt({1, 1, 65, 2, 1});
        checkAt({1, 64, 64, 1, 1});
        for (int window : {1, 7, 64, 65, 130})
            for (float cap : {0.f, 1.5f}) {
                if (!WINDOWED || cap > 0 && !CAPPED) continue;
                checkAt({2, 200, 200, 3, 3, window, cap});
                checkAt({1, 70, 333, 4, 2, window, cap});
                checkAt({1, 1, 207, 2, 1, window, cap});
            }
        if (CAPPED) checkAt({1, 200, 200, 2, 2, 0, 1.5f});
    }
    if (options.times) {
        int heads = (int)extent("H", 2048 / P), time = (int)extent("T", 2048);
        timeAt(
            {(int)extent("B", 8), (int)extent("Tq", time), time, heads, (int)extent("G", heads),
             (int)extent("window", WINDOWED ? 512 : 0), CAPPED ? 50.f : 0.f});
    }
    return end();
}
