// The semiseparable product, forward or backward: semiseparable_forward.cu and semiseparable_backward.cu, which have
// names in common and are compiled apart.
//
// variant: forward-p64-n64 -DSSD_HEAD_DIM=64 -DSSD_STATE_SIZE=64
// variant: forward-p16-n32 -DSSD_HEAD_DIM=16 -DSSD_STATE_SIZE=32
// variant: forward-p64-n128 -DSSD_HEAD_DIM=64 -DSSD_STATE_SIZE=128
// variant: forward-p128-n128 -DSSD_HEAD_DIM=128 -DSSD_STATE_SIZE=128
// variant: backward-p64-n64 -DBACKWARD -DSSD_HEAD_DIM=64 -DSSD_STATE_SIZE=64
// variant: backward-p16-n32 -DBACKWARD -DSSD_HEAD_DIM=16 -DSSD_STATE_SIZE=32
// variant: backward-p64-n128 -DBACKWARD -DSSD_HEAD_DIM=64 -DSSD_STATE_SIZE=128
// variant: backward-p128-n128 -DBACKWARD -DSSD_HEAD_DIM=128 -DSSD_STATE_SIZE=128

#include "check.cuh"

#ifdef BACKWARD
#include <semiseparable_backward.cu>
HOST_SIDE_OF(semiseparableBackwardSizes)
#else
#include <semiseparable_forward.cu>
HOST_SIDE_OF(semiseparableForwardSizes)
#endif

using namespace check;

struct Extents {
    int batch, time, heads, groups;
    bool state; // whether there is one before the first step

    int chunks() const { return (int)ceilOf(time, CHUNK); }
    Size blocks() const { return (Size)batch * heads; }
    Size ofX() const { return blocks() * time * P; }
    Size ofB() const { return (Size)batch * time * groups * N; }
    Size ofHeads() const { return blocks() * time * N; }
    Size decays() const { return blocks() * time; }
    Size ofStates() const { return blocks() * P * N; }
    Size x(int b, int t, int h) const { return (((Size)b * time + t) * heads + h) * P; }
    Size row(int b, int t, int h) const { return (((Size)b * time + t) * groups + h / (heads / groups)) * N; }
    std::string text() const {
        return check::text("B%d T%d H%d G%d P%d N%d%s", batch, time, heads, groups, P, N, state ? " state" : "");
    }
};

// One step after the other.
struct Reference {
    Values y, last, before, dx, db, dc, da, dState;

    Reference(
        const Extents &e, const Values &x, const Values &b, const Values &c, const Values &a, const Values &state,
        const Values &dy, const Values &dLast)
        : y(e.ofX()), last(e.ofStates()), before(e.ofStates() * e.chunks()) {
        if (!dy.empty()) {
            dx.resize(e.ofX());
            db.resize(e.ofB());
            dc.resize(e.ofB());
            da.resize(e.decays());
            dState.resize(e.ofStates());
        }
        for (int i = 0; i < e.batch; i++)
            for (int h = 0; h < e.heads; h++) {
                Size head = (Size)i * e.heads + h;
                std::vector<Values> states(1, Values(P * N));
                if (!state.empty()) std::copy_n(state.begin() + head * P * N, P * N, states[0].begin());
                for (int t = 0; t < e.time; t++) {
                    const Values &s = states.back();
                    if (t % CHUNK == 0)
                        std::copy(s.begin(), s.end(), before.begin() + (head * e.chunks() + t / CHUNK) * P * N);
                    Values next(P * N);
                    double keep = std::exp(a[e.x(i, t, h) / P]);
                    for (int p = 0; p < P; p++)
                        for (int n = 0; n < N; n++) {
                            next[p * N + n] = keep * s[p * N + n] + x[e.x(i, t, h) + p] * b[e.row(i, t, h) + n];
                            y[e.x(i, t, h) + p] += next[p * N + n] * c[e.row(i, t, h) + n];
                        }
                    states.push_back(next);
                }
                std::copy(states.back().begin(), states.back().end(), last.begin() + head * P * N);
                if (dy.empty()) continue;
                Values r(dLast.begin() + head * P * N, dLast.begin() + (head + 1) * P * N);
                for (int t = e.time - 1; t >= 0; t--) {
                    Size at = e.x(i, t, h), row = e.row(i, t, h);
                    double keep = std::exp(a[at / P]), along = 0;
                    for (int p = 0; p < P; p++)
                        for (int n = 0; n < N; n++) {
                            double &g = r[p * N + n];
                            g += dy[at + p] * c[row + n];
                            dc[row + n] += states[t + 1][p * N + n] * dy[at + p];
                            dx[at + p] += g * b[row + n];
                            db[row + n] += g * x[at + p];
                            along += g * states[t][p * N + n];
                            g *= keep;
                        }
                    da[at / P] = keep * along;
                }
                std::copy(r.begin(), r.end(), dState.begin() + head * P * N);
            }
    }
};

// Heads that forget within some steps, and such that remember for hundreds.
static Values decays(const Extents &e) {
    Values a = normals(4, e.decays());
    for (Size i = 0; i < e.decays(); i++) a[i] = -std::fabs(1.1 + a[i]) * std::pow(0.1, 1.0 + i % e.heads % 3);
    return a;
}

struct Call {
    Extents e;
    Buffer<Bf16> x{e.ofX()}, b{e.ofB()}, c{e.ofB()};
    Buffer<float> a{e.decays()}, state{e.ofStates()};
    Buffer<Bf16> y{e.ofX()}, before{e.ofStates() * e.chunks()};
    Buffer<float> last{e.ofStates()};
    Buffer<Bf16> dy{e.ofX()}, dx{e.ofX()}, db{e.ofB()}, dc{e.ofB()};
    Buffer<float> dLast{e.ofStates()}, da{e.decays()}, dState{e.ofStates()};
    Buffer<float> dbHeads{e.groups < e.heads ? e.ofHeads() : 1}, dcHeads{e.groups < e.heads ? e.ofHeads() : 1};

    explicit Call(const Extents &e) : e(e) {
        float small = 1 / std::sqrt((float)N);
        x.normal(1);
        b.normal(2, small);
        c.normal(3, small);
        a.round(decays(e));
        state.normal(5, 0.3f);
        dy.normal(6);
        dLast.normal(7, 0.3f);
    }

    const float *given() const { return e.state ? state.at() : nullptr; }
    Grid heads(int threads, int shared) const { return {dim3((unsigned)e.blocks()), threads, shared}; }

#ifdef BACKWARD
    void backward() {
        static auto s = sizes(semiseparableBackwardSizes);
        bool shared = e.groups < e.heads;
        launch(
            semiseparable_backward, heads(s[0], s[1]), x, b, c, a, nullptr, before, dy, dLast, dx, db, dc,
            shared ? dbHeads.at() : nullptr, shared ? dcHeads.at() : nullptr, da, e.state ? dState.at() : nullptr,
            nullptr, e.time, e.heads, e.groups);
        if (shared)
            launch(
                semiseparable_group_sum, {dim3((unsigned)ceilOf(e.ofB() / 2, 256), 2)}, dbHeads, dcHeads, db, dc,
                e.ofB() / 2, e.heads / e.groups, N);
    }
#else
    void forward(bool kept) {
        static auto s = sizes(semiseparableForwardSizes);
        launch(
            semiseparable_forward, heads(s[0], s[1]), x, b, c, a, given(), nullptr, y, last,
            kept ? before.at() : nullptr, e.time, e.heads, e.groups);
    }
#endif
};

static Reference reference(const Call &c, bool backward) {
    return Reference(
        c.e, c.x.values(), c.b.values(), c.c.values(), c.a.values(), c.e.state ? c.state.values() : Values(),
        backward ? c.dy.values() : Values(), c.dLast.values());
}

static void checkAt(const Extents &e) {
    Call c(e);
#ifdef BACKWARD
    Reference r = reference(c, true);
    c.before.round(r.before);
    checks("semiseparable_backward", [&] {
        Case test("semiseparable_backward", e.text());
        test.result("dx", c.dx, r.dx, 3e-2).result("db", c.db, r.db, 3e-2).result("dc", c.dc, r.dc, 3e-2);
        test.result("da", c.da, r.da, 3e-2);
        if (e.state) test.result("dState", c.dState, r.dState, 2e-2);
        test.check([&] { c.backward(); });
    });
#else
    Reference r = reference(c, false);
    checks("semiseparable_forward", [&] {
        Case("semiseparable_forward", e.text())
            .result("y", c.y, r.y, 2e-2)
            .result("last", c.last, r.last, 2e-2)
            .result("before", c.before, r.before, 2e-2)
            .check([&] { c.forward(true); });
        Case("semiseparable_forward", e.text() + " not kept")
            .result("y", c.y, r.y, 2e-2)
            .result("last", c.last, r.last, 2e-2)
            .check([&] { c.forward(false); });
    });
#endif
}

static void timeAt(const Extents &e) {
    Call c(e);
    double chunks = (double)e.blocks() * e.chunks(), decayBytes = 4.0 * e.decays();
    double triangle = 2.0 * CHUNK * CHUNK * 10 / 16, full = 2.0 * CHUNK * P * N;
    double stateBytes = 2.0 * e.ofStates() * e.chunks();
#ifdef BACKWARD
    c.before.normal(8, 0.3f);
    times("semiseparable_backward", [&] {
        Case("semiseparable_backward", e.text())
            .result("dx", c.dx)
            .result("db", c.db)
            .result("dc", c.dc)
            .result("da", c.da)
            .time(
                [&] { c.backward(); }, 6.0 * e.ofX() + 8.0 * e.ofB() + 2 * decayBytes + stateBytes,
                chunks * (triangle * (2 * P + 3 * N) + 5 * full));
    });
#else
    double bytes = 4.0 * e.ofX() + 4.0 * e.ofB() + decayBytes, flops = chunks * (triangle * (P + N) + 2 * full);
    times("semiseparable_forward", [&] {
        Case("semiseparable_forward", e.text())
            .result("y", c.y)
            .result("before", c.before)
            .time([&] { c.forward(true); }, bytes + stateBytes, flops);
        Case("semiseparable_forward", e.text() + " not kept")
            .result("y", c.y)
            .time([&] { c.forward(false); }, bytes, flops);
    });
#endif
}

int main(int count, char **arguments) {
    begin(count, arguments);
    references([] {
        Extents e = {1, 6, 4, 2, true};
        Values x = normals(1, e.ofX()), b = normals(2, e.ofB()), c = normals(3, e.ofB()), a = decays(e);
        Values s = normals(5, e.ofStates()), dy = normals(6, e.ofX()), dLast = normals(7, e.ofStates());
        Reference r(e, x, b, c, a, s, dy, dLast);
        auto loss = [&](const Reference &f) { return dot(f.y, dy) + dot(f.last, dLast); };
        gradient("semiseparable by x", x, r.dx, [&](const Values &v) { return loss({e, v, b, c, a, s, {}, {}}); });
        gradient("semiseparable by b", b, r.db, [&](const Values &v) { return loss({e, x, v, c, a, s, {}, {}}); });
        gradient("semiseparable by c", c, r.dc, [&](const Values &v) { return loss({e, x, b, v, a, s, {}, {}}); });
        gradient("semiseparable by decay", a, r.da, [&](const Values &v) { return loss({e, x, b, c, v, s, {}, {}}); });
        gradient("semiseparable by state", s, r.dState, [&](const Values &v) {
            return loss({e, x, b, c, a, v, {}, {}});
        });
    });
    if (options.checks) {
        checkAt({2, 200, 3, 3, false});
        checkAt({1, 207, 4, 2, true});
        checkAt({1, 1, 2, 1, true});
        checkAt({1, 64, 1, 1, false});
    }
    if (options.times) {
        int heads = (int)extent("H", 2048 / P);
        timeAt({(int)extent("B", 8), (int)extent("T", 2048), heads, (int)extent("G", heads), false});
    }
    return end();
}
