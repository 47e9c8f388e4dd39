// Rearranging, and rows by index: layout.cu. Results are exact, but for sums of rows.

#include "check.cuh"

#include <layout.cu>

using namespace check;

// A type that numbers can be put into, of as many bytes as the kernel moves.
template <typename T, int TOGETHER, typename K, typename M>
static void permuted(const std::string &name, K kernel, M, Size B, Size T_, Size H, Size width, bool compared) {
    (compared ? checks : times)(name, [&] {
        // [B, T, H, width] to [B, H, T, width], in groups of neighbors
        Size n = B * T_ * H * width, groups = width / TOGETHER;
        Buffer<T> x(n), y(n);
        x.normal(1);
        Indexing at = {4, {B, H, T_, groups}, {H * T_ * groups, T_ * groups, groups, 1},
                       {T_ * H * groups, groups, H * groups, 1}};
        auto launches = [&] { launch(kernel, each(n / TOGETHER), (M *)y.at(), (const M *)x.at(), n / TOGETHER, at); };
        Case test(name, text("[%lld, %lld, %lld, %lld]", B, T_, H, width));
        Values in = compared ? x.values() : Values(), out(in.size());
        for (Size i = 0; i < (Size)in.size(); i++) {
            Size w = i % width, h = i / width % H, t = i / width / H % T_, b = i / width / H / T_;
            out[((b * H + h) * T_ + t) * width + w] = in[i];
        }
        test.result("y", y, out, 0);
        compared ? test.check(launches) : test.time(launches, 2.0 * n * sizeof(T));
    });
}

static std::vector<int> ids(Size count, Size rows) {
    std::vector<int> own(count);
    for (Size i = 0; i < count; i++) own[i] = (int)(hashed(9, i) % rows);
    return own;
}

template <typename T, typename M, typename K>
static void gathered(const std::string &name, K kernel, M, Size rows, Size width, Size count, bool compared) {
    (compared ? checks : times)(name, [&] {
        Buffer<T> table(rows * width), y(count * width);
        Buffer<int> places(count);
        table.normal(1);
        std::vector<int> own = ids(count, rows);
        places.set(own);
        auto launches = [&] {
            launch(kernel, each(y.count), (const M *)table.at(), places, (M *)y.at(), y.count, width);
        };
        Case test(name, text("%lld of [%lld, %lld]", count, rows, width));
        Values in = compared ? table.values() : Values(), out;
        for (Size i = 0; compared && i < y.count; i++) out.push_back(in[own[i / width] * width + i % width]);
        test.result("y", y, out, 0);
        compared ? test.check(launches) : test.time(launches, 2.0 * y.bytes());
    });
}

template <typename T, typename K>
static void scattered(const std::string &name, K kernel, Size rows, Size width, Size count, bool compared) {
    (compared ? checks : times)(name, [&] {
        Buffer<T> x(count * width);
        Buffer<int> places(count);
        Buffer<Compute<T>> y(rows * width);
        x.normal(1);
        y.zero();
        std::vector<int> own = ids(count, rows);
        places.set(own);
        auto launches = [&] { launch(kernel, {dim3((unsigned)count)}, x, places, y, count, width); };
        Case test(name, text("%lld into [%lld, %lld]", count, rows, width));
        if (!compared) {
            test.time(launches, (double)x.bytes() + (double)count * width * sizeof(Compute<T>));
            return;
        }
        Values in = x.values(), out(y.count);
        for (Size i = 0; i < x.count; i++) out[own[i / width] * width + i % width] += in[i];
        test.inPlace("y", y, out, sizeof(T) == 8 ? 1e-12 : 1e-5).check(launches);
    });
}

int main(int count, char **arguments) {
    begin(count, arguments);
    typedef unsigned short Two;
    typedef unsigned int Word;
    typedef unsigned long long Long;
    if (options.checks) {
        permuted<Bf16, 1>("copy_strided_2", copy_strided_2, Two(), 2, 37, 3, 5, true);
        permuted<float, 1>("copy_strided_4", copy_strided_4, Word(), 2, 37, 3, 5, true);
        permuted<Bf16, 2>("copy_strided_4", copy_strided_4, Word(), 2, 37, 3, 6, true);
        permuted<float, 2>("copy_strided_8", copy_strided_8, Long(), 2, 37, 3, 6, true);
        permuted<Bf16, 8>("copy_strided_16", copy_strided_16, uint4(), 2, 37, 3, 64, true);
        gathered<float>("gather_rows_4", gather_rows_4, Word(), 101, 77, 300, true);
        gathered<Bf16>("gather_rows_2", gather_rows_2, Two(), 101, 77, 300, true);
        gathered<double>("gather_rows_8", gather_rows_8, Long(), 101, 77, 300, true);
        scattered<float>("scatter_add_rows_f32", scatter_add_rows_f32, 101, 77, 700, true);
        scattered<Bf16>("scatter_add_rows_bf16", scatter_add_rows_bf16, 5, 300, 700, true);
        scattered<double>("scatter_add_rows_f64", scatter_add_rows_f64, 101, 77, 1, true);
    }
    if (options.times) {
        Size B = extent("B", 8), T = extent("T", 2048), H = extent("H", 32), P = extent("P", 64);
        Size V = extent("V", 51200);
        permuted<Bf16, 8>("copy_strided_16", copy_strided_16, uint4(), B, T, H, P, false);
        permuted<float, 1>("copy_strided_4", copy_strided_4, Word(), B, T, H, P, false);
        gathered<float>("gather_rows_4", gather_rows_4, Word(), V, H * P, B * T, false);
        scattered<float>("scatter_add_rows_f32", scatter_add_rows_f32, V, H * P, B * T, false);
        scattered<Bf16>("scatter_add_rows_bf16", scatter_add_rows_bf16, V, H * P, B * T, false);
    }
    return end();
}
