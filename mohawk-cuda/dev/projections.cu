// Linear maps of few rows, as generation makes them: projections.cu, one by one and several in a launch.

#include "check.cuh"

#include <mamba_step.cu>
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
            y[r * width + i] =
                rounded<Bf16>((x[r * width + i] - mean) * rate * scale[i] + (shift.empty() ? 0 : shift[i]));
    }
    return y;
}

// Operations as CudaProjections.java describes them.
static Operation projection(Size form, std::vector<Part> maps) {
    Operation p = {};
    p.form = form;
    p.count = (Size)maps.size();
    std::copy(maps.begin(), maps.end(), p.parts);
    return p;
}

static Operation normed(Size form, const float *h, const float *scale, const float *shift, std::vector<Part> maps) {
    Operation p = projection(form, maps);
    p.h = h;
    p.scale = scale;
    p.shift = shift;
    p.epsilon = EPSILON;
    return p;
}

static Operation summed(const float *h, std::vector<Part> maps, int early = 0) {
    Operation p = projection(SUMMED, maps);
    p.h = h;
    p.early = early;
    return p;
}

// What a launch of operations takes, and how it is made: one of each or all in one.
struct Launch {
    std::vector<Operation> operations;
    Size rows;
    Buffer<Operation> table;
    Buffer<int> progress{2}, tickets{1024};
    int slots = 0, capacity = 0, shared = 0, segments = 0;

    Launch(std::vector<Operation> given, Size rows) : operations(given), rows(rows), table((Size)given.size()) {
        progress.zero();
        tickets.zero();
        static auto said = sizes(projectionSizes);
        Size tile = said[1], columns = said[2], slot = said[3], x = 0, most = 0, least = 0;
        for (Operation &p : operations) {
            p.segment = segments;
            segments += (int)p.count;
            if (p.form == STEP) {
                x = std::max(x, (2 * p.step.stateSize + p.step.entries) * 4);
                continue;
            }
            Size perTile = 0, tiles = 0;
            bool byRow = p.form == SUMMED || p.form == GATED;
            for (int m = 0; m < p.count; m++) {
                if (byRow || m == 0) perTile += ceilOf(p.parts[m].width, columns);
                if (!byRow || m == 0) tiles += ceilOf(p.parts[m].outputs, tile);
            }
            Size all = ceilOf(tiles, multiprocessors()) * perTile;
            most = std::max(most, all);
            least = std::max(least, byRow ? all : perTile);
            x = std::max(x, rows * (perTile * columns + said[8]) * 2);
        }
        capacity = (int)std::max(least, std::min(most, Size(512) / rows));
        Size own = x + segments * (Size)sizeof(Segment) + capacity * rows * tile * (Size)sizeof(float);
        slots = (int)std::min<Size>(said[4], (227 * 1024 - 2048 - own) / slot);
        shared = (int)(own + slots * slot);
        table.set(operations);
    }

    Grid grid(bool cooperative) const {
        Grid g = {dim3((unsigned)multiprocessors()), cooperative ? PERSISTENT_THREADS : THREADS, shared, true};
        g.cooperative = cooperative;
        return g;
    }

    void together() {
        launch(persistent, grid(true), table, (int)operations.size(), segments, progress, (int)rows, slots, capacity);
    }

    void apart() {
        for (const Operation &p : operations) {
            if (p.form != STEP) {
                Operation alone = p;
                alone.segment = 0;
                launch(projections, grid(false), alone, (int)rows, slots, capacity);
                continue;
            }
            const MambaStep<Bf16> &s = p.step;
            Grid steps = {dim3((unsigned)s.heads, (unsigned)ceilOf(s.headDim, s.entries), (unsigned)rows), STEP_THREADS,
                          (int)((2 * s.stateSize + s.entries) * sizeof(float)), true};
            launch(mamba_step_bf16, steps, s, tickets);
        }
    }
};

static double bytesOf(std::initializer_list<const Map *> maps) {
    double sum = 0;
    for (const Map *map : maps) sum += (double)map->weight.bytes() + map->bias.bytes();
    return sum;
}

static void stackedAt(Size rows, Size width, Size outputs, bool wide, int activation, bool compared) {
    (compared ? checks : times)("stacked", [&] {
        Map map(1, outputs, width, activation, wide);
        Buffer<Bf16> x(rows * width), narrowed(rows * outputs);
        Buffer<float> widened(rows * outputs);
        x.normal(3);
        Launch launched({projection(STACKED, {map.part(x, wide ? (void *)widened.at() : narrowed.at())})}, rows);
        auto launches = [&] { launched.apart(); };
        Case test("stacked", text("R%lld [%lld, %lld]%s", rows, outputs, width, wide ? " wide" : ""));
        Values expected = compared ? map.applied(x.values(), rows) : Values();
        if (wide) test.result("y", widened, expected, 1e-4);
        else test.result("y", narrowed, expected, 5e-3);
        compared ? test.check(launches) : test.time(launches, bytesOf({&map}));
    });
}

// The first half of a block with a norm, and the sum of what is added to the stream.
static void blockAt(Size rows, Size width, Size projected, Size hidden, bool compared) {
    Map in(1, projected, width, NONE, false), up(3, hidden, width, GELU_TANH, false);
    Map out(5, width, width, NONE, true), down(7, width, hidden, NONE, true);
    Buffer<float> h(rows * width), y(rows * width), scale(width), shift(width);
    Buffer<Bf16> mixed(rows * width), first(rows * projected), second(rows * hidden);
    h.normal(9);
    scale.normal(10, 0.2f, 1);
    shift.normal(11);
    mixed.normal(12);
    second.normal(13);
    Launch norm({normed(NORMED, h, scale, shift, {in.part(nullptr, first), up.part(nullptr, second)})}, rows);
    Launch sum({summed(h, {down.part(second, y), out.part(mixed, y)})}, rows);
    std::string shape = text("R%lld D%lld E%lld F%lld", rows, width, projected, hidden);
    Values ofIn, ofUp, total;
    if (compared) {
        total = h.values();
        Values a = out.applied(mixed.values(), rows), b = down.applied(second.values(), rows);
        for (size_t i = 0; i < total.size(); i++) total[i] += a[i] + b[i];
        Values own = normalized(h.values(), scale.values(), shift.values());
        ofIn = in.applied(own, rows);
        ofUp = up.applied(own, rows);
    }
    auto run = compared ? checks : times;
    run("summed", [&] {
        Case test("summed", shape);
        test.result("y", y, total, 5e-3);
        auto launches = [&] { sum.apart(); };
        compared ? test.check(launches) : test.time(launches, bytesOf({&out, &down}));
    });
    run("normed", [&] {
        Case test("normed", shape);
        test.result("first", first, ofIn, 6e-3).result("second", second, ofUp, 6e-3);
        auto launches = [&] { norm.apart(); };
        compared ? test.check(launches) : test.time(launches, bytesOf({&in, &up}));
    });
}

// The first half of a gated MLP, after an RMS norm.
static void gatedAt(Size rows, Size width, Size hidden, bool compared) {
    Map gate(1, hidden, width, SILU, false), up(3, hidden, width, NONE, false);
    Buffer<float> h(rows * width), scale(width);
    Buffer<Bf16> inner(rows * hidden);
    h.normal(9);
    scale.normal(10, 0.2f, 1);
    Launch launched({normed(GATED, h, scale, nullptr, {gate.part(nullptr, inner), up.part(nullptr, inner)})}, rows);
    Values expected;
    if (compared) {
        Values u = normalized(h.values(), scale.values(), {}), value = up.applied(u, rows);
        expected = gate.applied(u, rows);
        for (size_t i = 0; i < value.size(); i++) expected[i] *= value[i];
    }
    (compared ? checks : times)("gated", [&] {
        Case test("gated", text("R%lld D%lld F%lld", rows, width, hidden));
        test.result("inner", inner, expected, 1e-2);
        auto launches = [&] { launched.apart(); };
        compared ? test.check(launches) : test.time(launches, bytesOf({&gate, &up}));
    });
}

// A model's blocks and its head, with discrete Mamba-2 in them: gated and one after the other, or side by side.
struct Model {
    Size rows, width, hidden, vocabulary, layers, states;
    bool gated;
    int heads, groups, headDim, stateSize, taps = 4;
    std::vector<std::unique_ptr<Map>> maps;
    std::vector<std::unique_ptr<Buffer<float>>> floats;
    std::vector<std::unique_ptr<Buffer<Bf16>>> halves;
    std::vector<Buffer<float> *> kept; // states and histories
    Buffer<float> *stream, *logits;
    std::vector<Operation> operations;
    double bytes = 0;

    float *numbers(Size count, unsigned seed, float scale, float shift) {
        floats.push_back(std::make_unique<Buffer<float>>(count));
        floats.back()->normal(seed, scale, shift);
        return *floats.back();
    }

    Bf16 *inner(Size count) {
        halves.push_back(std::make_unique<Buffer<Bf16>>(count));
        return *halves.back();
    }

    Part part(Size outputs, Size from, int activation, const Bf16 *x, void *y, bool wide) {
        maps.push_back(std::make_unique<Map>((unsigned)(2 * maps.size() + 1), outputs, from, activation, wide));
        bytes += bytesOf({maps.back().get()});
        return maps.back()->part(x, y);
    }

    float *stateOf(Size count) {
        float *made = numbers(count, 20, 1, 0);
        kept.push_back(floats.back().get());
        return made;
    }

    Model(
        Size rows, Size width, Size hidden, Size vocabulary, Size layers, bool gated, int heads, int groups,
        int headDim, int stateSize)
        : rows(rows), width(width), hidden(hidden), vocabulary(vocabulary), layers(layers), gated(gated), heads(heads),
          groups(groups), headDim(headDim), stateSize(stateSize) {
        float *h = numbers(rows * width, 9, 1, 0);
        for (Size l = 0; l < layers; l++) h = block(h);
        float *scale = numbers(width, 10, 0.2f, 1), *y = numbers(rows * vocabulary, 0, 0, 0);
        logits = floats.back().get();
        operations.push_back(normed(NORMED, h, scale, nullptr, {part(vocabulary, width, NONE, nullptr, y, true)}));
    }

    float *block(float *h) {
        Size inside = (Size)heads * headDim, channels = inside + 2 * groups * stateSize;
        Size projected = channels + inside + heads;
        float *scale = numbers(width, 10, 0.2f, 1);
        Bf16 *in = inner(rows * projected), *mixed = inner(rows * inside), *given = inner(rows * hidden);
        std::vector<Part> first = {part(projected, width, NONE, nullptr, in, false)};
        if (!gated) first.push_back(part(hidden, width, GELU_TANH, nullptr, given, false));
        operations.push_back(normed(NORMED, h, scale, gated ? nullptr : numbers(width, 11, 0.1f, 0), first));
        Operation step = {};
        step.form = STEP;
        step.step = {in, numbers(channels * taps, 12, 0.5f, 0), numbers(channels, 13, 0.1f, 0),
                     stateOf(rows * (taps - 1) * channels), numbers(heads, 14, 1, 0), numbers(inside, 15, 0.1f, 0),
                     stateOf(rows * inside * stateSize), mixed, heads, groups, headDim, stateSize, taps,
                     std::max(
                         std::min(16, headDim),
                         (int)ceilOf(headDim, std::max<Size>(1, multiprocessors() / (rows * heads))))};
        operations.push_back(step);
        float *y = numbers(rows * width, 0, 0, 0);
        if (!gated) {
            Part down = part(width, hidden, NONE, given, y, true);
            operations.push_back(summed(h, {down, part(width, inside, NONE, mixed, y, true)}, 1));
            stream = floats.back().get();
            return y;
        }
        float *z = numbers(rows * width, 0, 0, 0), *own = numbers(width, 10, 0.2f, 1);
        stream = floats[floats.size() - 2].get();
        operations.push_back(summed(h, {part(width, inside, NONE, mixed, y, true)}));
        Part gate = part(hidden, width, SILU, nullptr, given, false);
        operations.push_back(normed(GATED, y, own, nullptr, {gate, part(hidden, width, NONE, nullptr, given, false)}));
        operations.push_back(summed(y, {part(width, hidden, NONE, given, z, true)}));
        return z;
    }

    // All in one launch gives the bits that one of each gives.
    void compare() {
        Launch launched(operations, rows);
        std::vector<std::vector<float>> before;
        auto read = [&](Buffer<float> &b) {
            std::vector<float> host(b.count);
            CHECKED(cudaMemcpy(host.data(), b.at(), b.bytes(), cudaMemcpyDeviceToHost));
            return host;
        };
        for (Buffer<float> *k : kept) before.push_back(read(*k));
        launched.apart();
        CHECKED(cudaDeviceSynchronize());
        std::vector<Values> expected;
        for (Buffer<float> *k : kept) expected.push_back(k->values());
        Values ofStream = stream->values(), ofLogits = logits->values();
        for (size_t i = 0; i < kept.size(); i++) kept[i]->set(before[i]);
        Case test("persistent", shape());
        test.result("logits", *logits, ofLogits, 0).result("stream", *stream, ofStream, 0);
        for (size_t i = 0; i < kept.size(); i++) test.inPlace(i % 2 ? "states" : "history", *kept[i], expected[i], 0);
        test.inPlace("progress", launched.progress, {0, 0}, 0).check([&] { launched.together(); });
    }

    void time() {
        Launch launched(operations, rows);
        Case("persistent", shape()).time([&] { launched.together(); }, bytes);
        Case("one by one", shape()).time([&] { launched.apart(); }, bytes);
    }

    std::string shape() const {
        return text("R%lld D%lld F%lld V%lld L%lld%s", rows, width, hidden, vocabulary, layers, gated ? " gated" : "");
    }
};

int main(int count, char **arguments) {
    begin(count, arguments);
    if (options.checks)
        for (Size rows : {1, 3, 4}) {
            stackedAt(rows, 136, 77, false, GELU_TANH, true);
            stackedAt(rows, 2056, 300, true, NONE, true);
            stackedAt(rows, 136, 70000, true, NONE, true);
            blockAt(rows, 136, 77, 264, true);
            blockAt(rows, 2048, 500, 2056, true);
            gatedAt(rows, 136, 80, true);
            gatedAt(rows, 2056, 520, true);
            checks("persistent", [&] {
                for (bool gated : {false, true}) {
                    Model(rows, 136, 264, 301, 2, gated, 6, 3, 24, 12).compare();
                    Model(rows, 2056, 4104, 50000, 3, gated, 32, 32, 64, 64).compare();
                }
            });
        }
    if (options.times) {
        Size D = extent("D", 2048), V = extent("V", 51200), states = extent("GN", 2048), heads = extent("H", 32);
        for (Size rows : {1, 4}) {
            stackedAt(rows, D, V, true, NONE, false);
            blockAt(rows, D, 2 * D + 2 * states + heads, extent("F", 8192), false);
            gatedAt(rows, D, extent("F", 8192), false);
            // the shapes of Phi-1.5 and of Llama 3.2 1B
            times("persistent", [&] {
                Model(rows, D, 8192, 51200, extent("L", 24), false, 32, 32, 64, 64).time();
                Model(rows, D, 8192, 128256, extent("L", 16), true, 32, 32, 64, 64).time();
            });
        }
    }
    return end();
}
