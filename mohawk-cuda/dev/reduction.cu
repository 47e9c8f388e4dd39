// Sums, maxima, running sums, softmax and the largest of a row: reduction.cu. The number that stands for the bits of an
// array: fingerprint.cu.

#include "check.cuh"

#include <reduction.cu>

#include <fingerprint.cu>

using namespace check;

// One launch; longer reductions are several of them.
struct Extents {
    Size outer, reduced, inner, length;

    Size segments() const { return ceilOf(reduced, length); }
    std::string text() const {
        return check::text("[%lld, %lld, %lld] by %lld", outer, reduced, inner, length);
    }
};

template <typename T>
static double allowed() {
    return sizeof(T) == 2 ? 4e-3 : sizeof(T) == 4 ? 1e-5 : 1e-12;
}

static Values reducedOf(int op, const Extents &e, const Values &x) {
    Values y;
    for (Size o = 0; o < e.outer; o++)
        for (Size s = 0; s < e.segments(); s++)
            for (Size i = 0; i < e.inner; i++) {
                double part = op == SUM ? 0 : -INFINITY;
                for (Size k = s * e.length; k < std::min(e.reduced, (s + 1) * e.length); k++) {
                    double v = x[(o * e.reduced + k) * e.inner + i];
                    part = op == SUM ? part + v : std::max(part, v);
                }
                y.push_back(part);
            }
    return y;
}

// kind: a warp for each row, a block for each segment of a row, a thread for each segment of a column.
template <typename T, typename S, typename R, typename C>
static void reductions(
    const std::string &type, S shortRows, R rows, C columns, int kind, const Extents &e, bool compared) {
    std::string name = (kind == 0 ? "reduce_short_rows" : kind == 1 ? "reduce_rows" : "reduce_columns") + type;
    (compared ? checks : times)(name, [&] {
        Buffer<T> x(e.outer * e.reduced * e.inner);
        Buffer<Compute<T>> y(e.outer * e.segments() * e.inner);
        x.normal(1);
        Values in = compared ? x.values() : Values();
        for (int op : {SUM, MAX}) {
            auto launches = [&] {
                Grid warps = {dim3((unsigned)ceilOf(e.outer, 256 / WARP))};
                Grid blocks = {dim3((unsigned)e.outer, (unsigned)e.segments())};
                if (kind == 0) launch(shortRows, warps, op, x, y, e.outer, e.reduced);
                if (kind == 1) launch(rows, blocks, op, x, y, e.reduced, e.length);
                if (kind == 2)
                    launch(
                        columns, each(y.count), op, x, y, e.outer, e.reduced, e.inner, e.segments(), e.length);
            };
            Case test(name, e.text() + (op == SUM ? " sum" : " max"));
            test.result("y", y, compared ? reducedOf(op, e, in) : Values(), allowed<Compute<T>>());
            compared ? test.check(launches) : test.time(launches, (double)x.bytes() + y.bytes());
        }
    });
}

template <typename T, typename R, typename C>
static void runningSums(const std::string &type, R rows, C columns, const Extents &e, bool compared) {
    bool inRows = e.inner == 1;
    std::string name = (inRows ? "running_sum_rows" : "running_sum_columns") + type;
    (compared ? checks : times)(name, [&] {
        Buffer<T> x(e.outer * e.reduced * e.inner), y(x.count);
        x.normal(1);
        Values in = compared ? x.values() : Values();
        for (int reverse : {0, 1}) {
            Values out(in.size());
            for (Size j = 0; compared && j < e.outer * e.inner; j++) {
                double sum = 0;
                for (Size k = 0; k < e.reduced; k++) {
                    Size place = j / e.inner * e.reduced * e.inner + j % e.inner
                        + (reverse ? e.reduced - 1 - k : k) * e.inner;
                    out[place] = sum += in[place];
                }
            }
            auto launches = [&] {
                if (inRows) launch(rows, {dim3((unsigned)e.outer)}, x, y, e.reduced, reverse);
                else launch(columns, each(e.outer * e.inner), x, y, e.outer, e.reduced, e.inner, reverse);
            };
            Case test(name, text("[%lld, %lld, %lld]%s", e.outer, e.reduced, e.inner, reverse ? " reverse" : ""));
            test.result("y", y, out, allowed<T>());
            compared ? test.check(launches) : test.time(launches, 2.0 * x.bytes());
        }
    });
}

template <typename T, typename K>
static void softmaxOf(const std::string &name, K kernel, Size rows, Size columns, bool compared) {
    (compared ? checks : times)(name, [&] {
        Buffer<T> x(rows * columns), y(rows * columns);
        x.normal(1, 3, 50);
        Values out = compared ? x.values() : Values();
        for (Size r = 0; compared && r < rows; r++) {
            auto from = out.begin() + r * columns, to = from + columns;
            double largest = *std::max_element(from, to), sum = 0;
            for (auto v = from; v != to; v++) sum += *v = std::exp(*v - largest);
            for (auto v = from; v != to; v++) *v /= sum;
        }
        Case test(name, text("[%lld, %lld]", rows, columns));
        test.result("y", y, out, allowed<T>());
        auto launches = [&] { launch(kernel, {dim3((unsigned)rows)}, x, y, columns); };
        compared ? test.check(launches) : test.time(launches, 2.0 * x.bytes());
    });
}

// In two steps if there are segments: each one's largest and its place, and the largest of those.
template <typename T, typename K, typename L>
static void argMaxOf(const std::string &name, K kernel, L last, Size rows, Size columns, bool compared) {
    (compared ? checks : times)(name, [&] {
        Size segments = std::max<Size>(1, std::min<Size>(1024, columns / 1024));
        Buffer<T> x(rows * columns);
        Buffer<Compute<T>> largest(rows * segments);
        Buffer<int> places(rows * segments), y(rows);
        x.normal(1);
        Values in = compared ? x.values() : Values(), out;
        for (Size r = 0; compared && r < rows; r++)
            out.push_back((double)(std::max_element(&in[r * columns], &in[r * columns] + columns) - &in[r * columns]));
        auto launches = [&] {
            Grid first = Grid{dim3((unsigned)rows, (unsigned)segments)}.overlaps();
            if (segments == 1) {
                launch(kernel, first, x, nullptr, nullptr, y, columns, columns);
                return;
            }
            launch(kernel, first, x, nullptr, largest, places, columns, ceilOf(columns, segments));
            launch(last, Grid{dim3((unsigned)rows)}.overlaps(), largest, places, nullptr, y, segments, segments);
        };
        Case test(name, text("[%lld, %lld]", rows, columns));
        test.result("y", y, out, 0);
        compared ? test.check(launches) : test.time(launches, (double)x.bytes());
    });
}

static void fingerprintOf(Size n, bool compared) {
    (compared ? checks : times)("fingerprint", [&] {
        Grid grid = each(n);
        Size blocks = grid.blocks.x;
        Buffer<float> x(n);
        Buffer<unsigned long long> sums(2 * blocks);
        x.normal(1);
        auto launches = [&] { launch(fingerprint, grid, (const unsigned *)x.at(), n, sums); };
        if (!compared) {
            Case("fingerprint", text("[%lld]", n)).time(launches, 4.0 * n);
            return;
        }
        launches();
        std::vector<unsigned long long> host(2 * blocks);
        CHECKED(cudaMemcpy(host.data(), sums, sums.bytes(), cudaMemcpyDeviceToHost));
        unsigned long long sum = 0, present = 0;
        Values in = x.values();
        for (Size i = 0; i < n; i++) {
            unsigned word = floatToBits((float)in[i]);
            sum += hashed(((unsigned long long)i << 32) ^ word);
            present += word != 0;
        }
        for (Size b = 0; b < blocks; b++) sum -= host[2 * b], present -= host[2 * b + 1];
        std::printf("%-28s [%lld] sums of both sides differ by %llu, words by %llu", "fingerprint", n, sum, present);
        verdict(sum == 0 && present == 0);
    });
}

static void cases(bool compared) {
#define REDUCTIONS_OF(T, t, kind, ...)                                                                                 \
    reductions<T>("_" #t, reduce_short_rows_##t, reduce_rows_##t, reduce_columns_##t, kind, __VA_ARGS__, compared);
#define RUNNING_SUMS_OF(T, t, ...)                                                                                     \
    runningSums<T>("_" #t, running_sum_rows_##t, running_sum_columns_##t, __VA_ARGS__, compared);
#define TYPE_CHECKS(T, t)                                                                                              \
    REDUCTIONS_OF(T, t, 0, Extents{77, 500, 1, 500})                                                                   \
    REDUCTIONS_OF(T, t, 1, Extents{3, 9001, 1, 4096})                                                                  \
    REDUCTIONS_OF(T, t, 2, Extents{3, 101, 37, 32})                                                                    \
    RUNNING_SUMS_OF(T, t, Extents{5, 700, 1, 0})                                                                       \
    RUNNING_SUMS_OF(T, t, Extents{2, 70, 33, 0})                                                                       \
    softmaxOf<T>("softmax_" #t, softmax_##t, 5, 333, compared);
    if (compared) {
        TYPE_CHECKS(float, f32)
        TYPE_CHECKS(double, f64)
        TYPE_CHECKS(Bf16, bf16)
        argMaxOf<float>("arg_max_f32", arg_max_f32, arg_max_f32, 3, 700, true);
        argMaxOf<float>("arg_max_f32", arg_max_f32, arg_max_f32, 3, 51200, true);
        argMaxOf<Bf16>("arg_max_bf16", arg_max_bf16, arg_max_f32, 3, 51201, true);
        fingerprintOf(1001, true);
        fingerprintOf(3000000, true);
        return;
    }
    Size rows = extent("rows", 16384), D = extent("D", 2048), V = extent("V", 51200);
    REDUCTIONS_OF(float, f32, 0, Extents{rows * 32, 64, 1, 64})
    REDUCTIONS_OF(float, f32, 1, Extents{rows, D, 1, 4096})
    REDUCTIONS_OF(float, f32, 2, Extents{1, rows / 32, D, 32})
    REDUCTIONS_OF(Bf16, bf16, 2, Extents{1, rows, D, 32})
    RUNNING_SUMS_OF(float, f32, Extents{8, 2048, 32, 0})
    softmaxOf<float>("softmax_f32", softmax_f32, rows, D, false);
    argMaxOf<float>("arg_max_f32", arg_max_f32, arg_max_f32, 1, V, false);
    fingerprintOf(rows * D, false);
}

int main(int count, char **arguments) {
    begin(count, arguments);
    if (options.checks) cases(true);
    if (options.times) cases(false);
    return end();
}
