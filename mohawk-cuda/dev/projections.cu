// Linear maps of few rows, as generation makes them: projections.cu.

#include "check.cuh"

#include <projections.cu>

using namespace check;

static const double EPSILON = 1e-5;

static double activated(int activation, double x) {
    if (activation == SILU) return x * sigmoid(x);
    return activation == GELU_TANH ? x * sigmoid(1.5957691216057308 * (x + 0.044715 * x * x * x)) : x;
}

// A map with its weights; x and y are of the call.
struct Map {
    Size outputs, width;
    int activation;
    bool wide;
    Buffer<Bf16> weight{outputs * width};
    Buffer<float> bias{outputs};

    Map(unsigned seed, Size outputs, Size width, int activation, bool wide)
        : outputs(outputs), width(width), activation(activation), wide(wide) {
        weight.normal(seed, 1 / std::sqrt((float)width));
        bias.normal(seed + 1);
    }

    // x Wᵀ + b of rows
    Values applied(const Values &x, Size rows) const {
        Values w = weight.values(), b = bias.values(), y(rows * outputs);
        for (Size r = 0; r < rows; r++)
            for (Size o = 0; o < outputs; o++) {
                double sum = b[o];
                for (Size i = 0; i < width; i++) sum += w[o * width + i] * x[r * width + i];
                y[r * outputs + o] = activated(activation, sum);
            }
        return y;
    }

    Part part(const Bf16 *x, void *y) const {
        return {weight, bias, x, y, outputs, width, activation, wide};
    }
};

// By the root of the mean square if there is no shift.
static Values normalized(const Values &x, const Values &scale, const Values &shift) {
    Values y = x;
    Size width = (Size)scale.size();
    for (Size r = 0; r < (Size)x.size() / width; r++) {
        double sum = 0, squares = 0;
        for (Size i = 0; i < width; i++) sum += x[r * width + i];
        double mean = shift.empty() ? 0 : sum / width;
        for (Size i = 0; i < width; i++) squares += (x[r * width + i] - mean) * (x[r * width + i] - mean);
        double rate = 1 / std::sqrt(squares / width + EPSILON);
        for (Size i = 0; i < width; i++)
            y[r * width + i] = rounded<Bf16>((x[r * width + i] - mean) * rate * scale[i] + (shift.empty() ? 0 : shift[i]));
    }
    return y;
}

// Launches as CudaProjections.java makes them: whether each output is of a row of every weight, and whether each map has
// an x of its own.
struct Projection {
    std::vector<Part> maps;
    bool byRow, ownInputs;
    int early;
    Size rows;

    Projection(std::vector<Part> maps, bool summed, int early, Size rows)
        : maps(maps), byRow(summed), ownInputs(summed), early(early), rows(rows) {}

    // The middle of a gated MLP.
    static Projection gated(const Part &gate, const Part &up, Size rows) {
        Projection p({gate, up}, false, 0, rows);
        p.byRow = true;
        return p;
    }

    Size over(Size of(const Part &), bool all) const {
        Size sum = 0;
        for (size_t i = 0; i < (all ? maps.size() : 1); i++) sum += of(maps[i]);
        return sum;
    }

    template <typename K>
    void run(K one, K four, const float *h, const float *scale, const float *shift, int *progress) const {
        static auto needed = sizes(projectionSizes); // threads, columns of a piece, bytes of the ring
        Size width = over([](const Part &p) { return p.width; }, ownInputs);
        Size pieces = over([](const Part &p) { return ceilOf(p.width, needed[1]); }, byRow);
        Size outputs = over([](const Part &p) { return p.outputs; }, !byRow);
        Size shared = needed[2] + rows * width * 2
            + ceilOf(outputs, multiprocessors()) * pieces * (rows == 1 ? 1 : 4) * (Size)sizeof(float);
        Parts parts = {};
        std::copy(maps.begin(), maps.end(), parts.at);
        Grid grid = {dim3((unsigned)multiprocessors()), needed[0], (int)shared, true};
        launch(
            rows == 1 ? one : four, grid, parts, (int)maps.size(), early, h, scale, shift, scale ? EPSILON : 0.0,
            progress, rows, outputs, width);
    }
};

static double bytesOf(std::initializer_list<const Map *> maps) {
    double sum = 0;
    for (const Map *map : maps) sum += (double)map->weight.bytes() + map->bias.bytes();
    return sum;
}

static std::string name(const char *form, Size rows) { return text("%s_%d", form, rows == 1 ? 1 : 4); }

static void stackedAt(Size rows, Size width, Size outputs, bool wide, int activation, bool compared) {
    (compared ? checks : times)(name("stacked", rows), [&] {
        Map map(1, outputs, width, activation, wide);
        Buffer<Bf16> x(rows * width), narrowed(rows * outputs);
        Buffer<float> widened(rows * outputs);
        x.normal(3);
        Projection p = {{map.part(x, wide ? (void *)widened.at() : narrowed.at())}, false, 0, rows};
        auto launches = [&] { p.run(stacked_1, stacked_4, nullptr, nullptr, nullptr, nullptr); };
        Case test(name("stacked", rows), text("R%lld [%lld, %lld]%s", rows, outputs, width, wide ? " wide" : ""));
        Values expected = compared ? map.applied(x.values(), rows) : Values();
        if (wide) test.result("y", widened, expected, 1e-4);
        else test.result("y", narrowed, expected, 5e-3);
        compared ? test.check(launches) : test.time(launches, bytesOf({&map}));
    });
}

// A block of a model: maps of the normalized stream, and the sum of what is added to it. The MLP's part is early.
static void blockAt(Size rows, Size width, Size projected, Size hidden, bool compared) {
    Map in(1, projected, width, NONE, false), up(3, hidden, width, GELU_TANH, false);
    Map out(5, width, width, NONE, true), down(7, width, hidden, NONE, true);
    Buffer<float> h(rows * width), y(rows * width), scale(width), shift(width);
    Buffer<Bf16> mixed(rows * width), first(rows * projected), second(rows * hidden);
    Buffer<int> progress(2);
    h.normal(9);
    scale.normal(10, 0.2f, 1);
    shift.normal(11);
    mixed.normal(12);
    progress.zero();
    Projection normed = {{in.part(nullptr, first), up.part(nullptr, second)}, false, 0, rows};
    Projection both = {{down.part(second, y), out.part(mixed, y)}, true, 1, rows}, late = both;
    late.early = 0;
    auto norm = [&] { normed.run(normed_1, normed_4, h, scale, shift, progress); };
    auto sum = [&](const Projection &p) { p.run(summed_1, summed_4, h, nullptr, nullptr, progress); };
    std::string shape = text("R%lld D%lld E%lld F%lld", rows, width, projected, hidden);
    Values own, ofIn, ofUp, total;
    if (compared) {
        own = normalized(h.values(), scale.values(), shift.values());
        ofIn = in.applied(own, rows);
        ofUp = up.applied(own, rows);
        Values given = ofUp;
        for (double &x : given) x = rounded<Bf16>(x);
        total = h.values();
        Values a = out.applied(mixed.values(), rows), b = down.applied(given, rows);
        for (size_t i = 0; i < total.size(); i++) total[i] += a[i] + b[i];
    }
    auto run = compared ? checks : times;
    run(name("normed", rows), [&] {
        Case test(name("normed", rows), shape);
        test.result("first", first, ofIn, 6e-3).result("second", second, ofUp, 6e-3);
        if (compared) test.inPlace("progress", progress, {(double)multiprocessors(), 0}, 0).check(norm);
        else test.time(norm, bytesOf({&in, &up}));
        progress.zero();
    });
    run(name("summed", rows), [&] {
        norm(); // what the sum reads
        CHECKED(cudaDeviceSynchronize());
        progress.zero();
        Case test(name("summed", rows), shape + " late");
        test.result("y", y, total, 5e-3);
        compared ? test.check([&] { sum(late); }) : test.time([&] { sum(late); }, bytesOf({&out, &down}));
    });
    run(name("normed summed", rows), [&] {
        Case test(name("normed summed", rows), shape + " early");
        test.result("y", y, total, 5e-3);
        auto launches = [&] {
            norm();
            sum(both);
        };
        if (compared) test.inPlace("progress", progress, {0, 0}, 0).check(launches);
        else test.time(launches, bytesOf({&in, &up, &out, &down}));
    });
}

// A gated MLP after an RMS norm: all of its sum is early. Before it a sum that takes nothing early, as a block has.
static void gatedAt(Size rows, Size width, Size hidden, bool compared) {
    Map gate(1, hidden, width, SILU, false), up(3, hidden, width, NONE, false), down(5, width, hidden, NONE, true);
    Map out(7, width, width, NONE, true);
    Buffer<float> h(rows * width), middle(rows * width), y(rows * width), scale(width);
    Buffer<Bf16> mixed(rows * width), inner(rows * hidden);
    Buffer<int> progress(2);
    h.normal(9);
    scale.normal(10, 0.2f, 1);
    mixed.normal(12);
    progress.zero();
    Projection first({out.part(mixed, middle)}, true, 0, rows), last({down.part(inner, y)}, true, 1, rows);
    Projection unit = Projection::gated(gate.part(nullptr, inner), up.part(nullptr, inner), rows);
    auto sum = [&] { first.run(summed_1, summed_4, h, nullptr, nullptr, progress); };
    auto act = [&](const float *x) { unit.run(gated_1, gated_4, x, scale, nullptr, progress); };
    std::string shape = text("R%lld D%lld F%lld", rows, width, hidden);
    Values ofSum, ofUnit, total;
    auto unitOf = [&](const Values &x) {
        Values u = normalized(x, scale.values(), {});
        Values opening = gate.applied(u, rows), value = up.applied(u, rows);
        for (size_t i = 0; i < value.size(); i++) value[i] *= opening[i];
        return value;
    };
    if (compared) {
        ofUnit = unitOf(h.values());
        ofSum = h.values();
        Values a = out.applied(mixed.values(), rows);
        for (size_t i = 0; i < a.size(); i++) ofSum[i] += a[i];
        Values given = unitOf(ofSum);
        for (double &x : given) x = rounded<Bf16>(x);
        total = ofSum;
        Values b = down.applied(given, rows);
        for (size_t i = 0; i < b.size(); i++) total[i] += b[i];
    }
    auto run = compared ? checks : times;
    run(name("gated", rows), [&] {
        Case test(name("gated", rows), shape);
        test.result("inner", inner, ofUnit, 1e-2);
        if (compared) test.inPlace("progress", progress, {(double)multiprocessors(), 0}, 0).check([&] { act(h); });
        else test.time([&] { act(h); }, bytesOf({&gate, &up}));
        progress.zero();
    });
    run(name("summed gated summed", rows), [&] {
        auto launches = [&] {
            sum();
            act(middle);
            last.run(summed_1, summed_4, middle, nullptr, nullptr, progress);
        };
        Case test(name("summed gated summed", rows), shape + " early");
        test.result("middle", middle, ofSum, 5e-3).result("y", y, total, 1e-2);
        if (compared) test.inPlace("progress", progress, {0, 0}, 0).check(launches);
        else test.time(launches, bytesOf({&out, &gate, &up, &down}));
    });
}

int main(int count, char **arguments) {
    begin(count, arguments);
    if (options.checks)
        for (Size rows : {1, 3, 4}) {
            stackedAt(rows, 136, 77, false, GELU_TANH, true);
            stackedAt(rows, 2056, 300, true, NONE, true);
            blockAt(rows, 136, 77, 264, true);
            blockAt(rows, 2048, 500, 2056, true);
            gatedAt(rows, 136, 80, true);
            gatedAt(rows, 2056, 520, true);
        }
    if (options.times) {
        Size D = extent("D", 2048), V = extent("V", 51200), states = extent("GN", 2048), heads = extent("H", 32);
        for (Size rows : {1, 4}) {
            stackedAt(rows, D, V, true, NONE, false);
            blockAt(rows, D, 2 * D + 2 * states + heads, extent("F", 8192), false);
            gatedAt(rows, D, extent("F", 8192), false);
        }
    }
    return end();
}
