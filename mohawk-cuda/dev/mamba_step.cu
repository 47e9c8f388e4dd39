// One position of discrete Mamba-2 between its projections: mamba_step.cu.

#include "check.cuh"

#include <mamba_step.cu>

using namespace check;

struct Extents {
    int batch, heads, groups, headDim, stateSize, taps;

    Size width() const { return (Size)heads * headDim; }
    Size grouped() const { return (Size)groups * stateSize; }
    Size channels() const { return width() + 2 * grouped(); }
    Size stride() const { return channels() + width() + heads; }
    Size history() const { return batch * (taps - 1) * channels(); }
    Size states() const { return batch * width() * stateSize; }
    std::string text() const {
        return check::text("B%d H%d G%d P%d N%d K%d", batch, heads, groups, headDim, stateSize, taps);
    }
};

struct Reference {
    Values y, history, states;

    Reference(
        const Extents &e, const Values &projected, const Values &weight, const Values &bias, const Values &before,
        const Values &skips, const Values &zBias, const Values &state)
        : y(e.batch * e.width()), history(before), states(state) {
        Size C = e.channels(), N = e.stateSize;
        for (Size b = 0; b < e.batch; b++) {
            const double *in = &projected[b * e.stride()];
            Values mixed(C);
            for (Size c = 0; c < C; c++) {
                double *own = &history[b * (e.taps - 1) * C + c];
                mixed[c] = bias[c] + weight[c * e.taps + e.taps - 1] * in[c];
                for (Size k = 0; k + 1 < e.taps; k++) mixed[c] += weight[c * e.taps + k] * own[k * C];
                for (Size k = 0; k + 2 < e.taps; k++) own[k * C] = own[(k + 1) * C];
                own[(e.taps - 2) * C] = in[c];
            }
            for (Size i = 0; i < e.width(); i++) {
                Size head = i / e.headDim, first = e.width() + head / (e.heads / e.groups) * N;
                double keep = 1 / (1 + std::exp(in[C + e.width() + head])), sum = 0;
                for (Size n = 0; n < N; n++) {
                    double &s = states[(b * e.width() + i) * N + n];
                    s = keep * s + mixed[i] * mixed[first + n];
                    sum += s * mixed[first + e.grouped() + n];
                }
                double z = in[C + i] + zBias[i];
                y[b * e.width() + i] = (sum + skips[head] * mixed[i]) * z * sigmoid(z);
            }
        }
    }
};

template <typename T, typename K>
static void at(const std::string &name, K kernel, const Extents &e, bool compared) {
    typedef Compute<T> C;
    (compared ? checks : times)(name, [&] {
        Buffer<T> projected(e.batch * e.stride()), y(e.batch * e.width());
        Buffer<C> weight(e.channels() * e.taps), bias(e.channels()), history(e.history()), skips(e.heads);
        Buffer<C> zBias(e.width()), states(e.states());
        Buffer<int> tickets(e.batch * e.groups);
        projected.normal(1);
        weight.normal(2, 0.5f);
        bias.normal(3, 0.1f);
        history.normal(4);
        skips.normal(5);
        zBias.normal(6);
        states.normal(7);
        tickets.zero();
        // a head for each block, unless that leaves processors without one
        int entries = e.batch * e.heads < multiprocessors() ? std::min(16, e.headDim) : e.headDim;
        Grid grid = {dim3(e.heads, (unsigned)ceilOf(e.headDim, entries), e.batch), 256,
                     (int)((2 * e.stateSize + entries) * sizeof(C)), true};
        MambaStep<T> arrays = {projected, weight, bias, history, skips, zBias, states, y, e.heads, e.groups, e.headDim,
                               e.stateSize, e.taps, entries};
        auto launches = [&] { launch(kernel, grid, arrays, tickets); };
        Case test(name, e.text());
        if (!compared) {
            double inPlace = 2.0 * states.bytes() + 2.0 * history.bytes();
            test.result("y", y).time(launches, inPlace + weight.bytes() + projected.bytes() + y.bytes());
            return;
        }
        Reference r(
            e, projected.values(), weight.values(), bias.values(), history.values(), skips.values(), zBias.values(),
            states.values());
        double allowed = sizeof(C) == 8 ? 1e-12 : 1e-5;
        test.result("y", y, r.y, sizeof(T) == 2 ? 5e-3 : allowed).inPlace("states", states, r.states, allowed);
        test.inPlace("history", history, r.history, allowed).inPlace("tickets", tickets, Values(tickets.count), 0);
        test.check(launches);
    });
}

int main(int count, char **arguments) {
    begin(count, arguments);
    if (options.checks)
        for (const Extents &e :
             {Extents{2, 6, 3, 20, 12, 4}, Extents{1, 4, 4, 64, 64, 4}, Extents{50, 3, 1, 16, 16, 2}}) {
            at<float>("mamba_step_f32", mamba_step_f32, e, true);
            at<double>("mamba_step_f64", mamba_step_f64, e, true);
            at<Bf16>("mamba_step_bf16", mamba_step_bf16, e, true);
        }
    if (options.times)
        for (Size batch : {1, 8}) {
            Size heads = extent("H", 32);
            Extents e = {(int)extent("B", batch), (int)heads, (int)extent("G", heads), 64, 64, 4};
            at<Bf16>("mamba_step_bf16", mamba_step_bf16, e, false);
        }
    return end();
}
