// Depthwise causal convolution with its gradient, split into parts and in rows of a stride: convolution.cu.
//
// variant: taps4-by4 -DTAPS=4 -DCHANNELS=4 -DAROUND=0
// variant: taps4-by4-around -DTAPS=4 -DCHANNELS=4 -DAROUND=1
// variant: taps4-by1 -DTAPS=4 -DCHANNELS=1 -DAROUND=0
// variant: taps3-by1-around -DTAPS=3 -DCHANNELS=1 -DAROUND=1

#include "check.cuh"

#include <convolution.cu>

using namespace check;

static const Size LENGTH = 64; // positions of a thread

struct Extents {
    Size batch, time, stride, head;
    std::vector<Size> widths;

    Size channels() const {
        Size sum = 0;
        for (Size width : widths) sum += width;
        return sum;
    }
    Size rows() const { return batch * time; }
    Size stretches() const { return batch * ceilOf(time, LENGTH); }
    // in channels() numbers a row, and in rows of a stride
    Size dense(Size b, Size t, Size c) const { return (b * time + t) * channels() + c; }
    Size wide(Size b, Size t, Size c) const { return (b * time + t) * stride + c; }
    std::string text() const {
        return check::text("B%lld T%lld C%lld K%d parts%zu", batch, time, channels(), TAPS, widths.size());
    }
};

// y and dy are dense here, x and dx in rows of a stride.
struct Reference {
    Values y, dx, dWeight, dBias;

    Reference(const Extents &e, const Values &x, const Values &weight, const Values &bias, const Values &dy)
        : y(e.rows() * e.channels()) {
        if (!dy.empty()) {
            dx.resize(e.rows() * e.stride);
            dWeight.resize(e.stretches() * e.channels() * TAPS);
            dBias.resize(e.stretches() * e.channels());
        }
        for (Size b = 0; b < e.batch; b++)
            for (Size t = 0; t < e.time; t++)
                for (Size c = 0; c < e.channels(); c++) {
                    Size at = e.dense(b, t, c);
                    Size sums = (b * ceilOf(e.time, LENGTH) + t / LENGTH) * e.channels() + c;
                    y[at] = bias[c];
                    if (!dy.empty()) dBias[sums] += dy[at];
                    for (int k = 0; k < TAPS; k++) {
                        Size from = t - TAPS + 1 + k;
                        if (from < 0) continue;
                        double w = weight[c * TAPS + k], in = x[e.wide(b, from, c)];
                        y[at] += w * in;
                        if (dy.empty()) continue;
                        dx[e.wide(b, from, c)] += w * dy[at];
                        dWeight[sums * TAPS + k] += in * dy[at];
                    }
                }
    }
};

// One part [B, T, width] of what is dense.
static Values partOf(const Extents &e, const Values &dense, Size first, Size width) {
    Values part;
    for (Size row = 0; row < e.rows(); row++)
        for (Size c = 0; c < width; c++) part.push_back(dense[row * e.channels() + first + c]);
    return part;
}

template <typename T>
struct Split {
    std::vector<std::unique_ptr<Buffer<T>>> buffers;
    Parts parts = {};

    explicit Split(const Extents &e) {
        Size until = 0;
        for (size_t i = 0; i < e.widths.size(); i++) {
            buffers.push_back(std::make_unique<Buffer<T>>(e.rows() * e.widths[i]));
            parts.until[i] = until += e.widths[i];
            parts.at[i] = (Size)buffers[i]->at();
        }
    }

    // Of random numbers.
    void fill(unsigned seed) {
        for (auto &buffer : buffers) buffer->normal(seed++);
    }

    Values dense(const Extents &e) const {
        Values all(e.rows() * e.channels());
        Size first = 0;
        for (size_t i = 0; i < buffers.size(); first += e.widths[i++]) {
            Values own = buffers[i]->values();
            for (Size j = 0; j < (Size)own.size(); j++)
                all[j / e.widths[i] * e.channels() + first + j % e.widths[i]] = own[j];
        }
        return all;
    }
};

template <typename T>
struct Inputs {
    Buffer<T> x;
    Buffer<Compute<T>> weight, bias;

    explicit Inputs(const Extents &e) : x(e.rows() * e.stride), weight(e.channels() * TAPS), bias(e.channels()) {
        x.normal(1);
        weight.normal(2);
        bias.normal(3);
    }
};

// Results in bfloat16 are one of the two neighbors.
template <typename T>
static double allowed() {
    return sizeof(T) == 2 ? 9e-3 : sizeof(T) == 4 ? 1e-5 : 1e-12;
}

template <typename T, typename K>
static void forwardAt(const char *name, K kernel, const Extents &e, bool compared) {
    Inputs<T> in(e);
    Split<T> y(e);
    Size threads = e.stretches() * e.channels() / CHANNELS;
    auto launches = [&] {
        launch(
            kernel, each(threads), in.x, in.weight, in.bias, y.parts, threads, e.time, e.channels(), e.stride, LENGTH);
    };
    Case test(name, e.text());
    Values expected;
    if (compared) expected = Reference(e, in.x.values(), in.weight.values(), in.bias.values(), {}).y;
    Size first = 0;
    for (size_t i = 0; i < e.widths.size(); first += e.widths[i++]) {
        Values own = compared ? partOf(e, expected, first, e.widths[i]) : Values();
        test.result("y", *y.buffers[i], own, allowed<T>());
    }
    compared ? test.check(launches) : test.time(launches, 2.0 * e.rows() * e.channels() * sizeof(T));
}

template <typename G, typename T, typename K>
static void backwardAt(const char *name, K kernel, const Extents &e, bool compared) {
    Inputs<T> in(e);
    Split<G> dy(e);
    dy.fill(4);
    Buffer<G> around(e.rows() * e.widths[0]);
    Buffer<Compute<T>> scales(ceilOf(e.widths[0], e.head));
    around.normal(8);
    scales.normal(9);
    Buffer<T> dx(e.rows() * e.stride);
    Buffer<Compute<T>> dWeight(e.stretches() * e.channels() * TAPS), dBias(e.stretches() * e.channels());
    dx.zero(); // what lies beside the channels is another kernel's to write
    Size threads = e.stretches() * e.channels() / CHANNELS;
    auto launches = [&] {
        launch(
            kernel, each(threads), dy.parts, AROUND ? around.at() : nullptr, AROUND ? scales.at() : nullptr,
            AROUND ? e.head : 1, in.x, in.weight, dx, dWeight, dBias, threads, e.time, e.channels(), e.stride, LENGTH);
    };
    Case test(name, e.text());
    if (!compared) {
        test.result("dWeight", dWeight).result("dBias", dBias);
        double more = AROUND ? (double)e.rows() * e.widths[0] * sizeof(G) : 0;
        test.time(launches, (double)e.rows() * e.channels() * (sizeof(G) + 2 * sizeof(T)) + more);
        return;
    }
    Values upstream = dy.dense(e), more = around.values(), factors = scales.values();
    for (Size row = 0; AROUND && row < e.rows(); row++)
        for (Size c = 0; c < e.widths[0]; c++)
            upstream[row * e.channels() + c] += factors[c / e.head] * more[row * e.widths[0] + c];
    Reference r(e, in.x.values(), in.weight.values(), in.bias.values(), upstream);
    double sums = sizeof(Compute<T>) == 8 ? 1e-12 : 2e-5;
    test.inPlace("dx", dx, r.dx, sizeof(T) == 2 ? 5e-3 : allowed<T>());
    test.result("dWeight", dWeight, r.dWeight, sums).result("dBias", dBias, r.dBias, sums).check(launches);
}

static void cases(const Extents &e, bool compared) {
    auto run = compared ? checks : times;
#define FORWARD_OF(T, t)                                                                                               \
    run("convolution_" #t, [&] { forwardAt<T>("convolution_" #t, convolution_##t, e, compared); });
#define BACKWARD_OF(G, g, T, t)                                                                                        \
    run("convolution_gradient_" #g "_" #t, [&] {                                                                       \
        backwardAt<G, T>("convolution_gradient_" #g "_" #t, convolution_gradient_##g##_##t, e, compared);              \
    });
    FORWARD_OF(Bf16, bf16)
    FORWARD_OF(float, f32)
    BACKWARD_OF(Bf16, bf16, Bf16, bf16)
    BACKWARD_OF(float, f32, float, f32)
    BACKWARD_OF(float, f32, Bf16, bf16)
    // four doubles are too many for a thread's registers: Java gives them one channel
    if (!compared || CHANNELS == 4) return;
    FORWARD_OF(double, f64)
    BACKWARD_OF(double, f64, double, f64)
}

int main(int count, char **arguments) {
    begin(count, arguments);
    references([] {
        Extents e = {2, 9, 5, 3, {5}};
        Values x = normals(1, e.rows() * 5), weight = normals(2, 5 * TAPS), bias = normals(3, 5);
        Values dy = normals(4, e.rows() * 5), ofWeight(5 * TAPS), ofBias(5);
        Reference r(e, x, weight, bias, dy);
        for (Size s = 0; s < e.stretches(); s++) {
            for (size_t i = 0; i < ofWeight.size(); i++) ofWeight[i] += r.dWeight[s * 5 * TAPS + i];
            for (size_t i = 0; i < 5; i++) ofBias[i] += r.dBias[s * 5 + i];
        }
        auto loss = [&](const Reference &f) { return dot(f.y, dy); };
        gradient("convolution by x", x, r.dx, [&](const Values &v) { return loss({e, v, weight, bias, {}}); });
        gradient("convolution by weight", weight, ofWeight, [&](const Values &v) { return loss({e, x, v, bias, {}}); });
        gradient("convolution by bias", bias, ofBias, [&](const Values &v) { return loss({e, x, weight, v, {}}); });
    });
    if (options.checks) {
        if (CHANNELS == 4) {
            cases({2, 200, 160, 32, {160}}, true);
            cases({2, 200, 188, 32, {96, 32, 32}}, true);
            cases({1, 3, 48, 8, {16, 8, 8, 16}}, true);
        } else {
            cases({2, 200, 63, 9, {63}}, true);
            cases({2, 130, 71, 15, {45, 9, 9}}, true);
            cases({1, 1, 8, 4, {8}}, true);
        }
    }
    if (options.times) {
        Size width = extent("D", 2048), states = extent("GN", 2048), heads = extent("H", 32);
        Size odd = CHANNELS == 4 ? 0 : 1; // what leaves no groups of four
        cases({extent("B", 8), extent("T", 2048), 2 * width + 2 * states + heads + odd, width / heads,
             {width, states, states}}, false);
    }
    return end();
}
