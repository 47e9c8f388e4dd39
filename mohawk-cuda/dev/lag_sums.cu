// Sums along the diagonals of a teacher's matrix and a student's scores: lag_sums.cu.

#include "check.cuh"

#include <lag_sums.cu>

using namespace check;

// Of the products of two shifted matrices, or of one alone, by lag; shifts below zero stand for ones.
static Values diagonal(const Values &x, int j, const Values &y, int k, Size batch, Size time) {
    Values sums(time);
    for (Size b = 0; b < batch; b++)
        for (Size t = 0; t < time; t++)
            for (Size s = 0; s <= t; s++) {
                auto at = [&](const Values &of, int shift) {
                    if (shift < 0) return 1.0;
                    return s + shift <= t ? of[(b * time + t) * time + s + shift] : 0.0;
                };
                sums[t - s] += at(x, j) * at(y, k);
            }
    return sums;
}

static void append(Values &to, const Values &more) { to.insert(to.end(), more.begin(), more.end()); }

// What the parts of all stretches add up to.
template <typename T>
struct Parts {
    Size count, time, stretches;
    Buffer<T> buffer;

    Parts(Size batch, Size count, Size time)
        : count(count), time(time), stretches(batch * ceilOf(time, LENGTH)), buffer(stretches * count * time) {}

    Grid grid() const { return {dim3((unsigned)ceilOf(time, 256), (unsigned)stretches), 256}; }

    // Each stretch's, from the rows that it has: what the kernel must write.
    template <typename Body>
    Values expected(Size batch, Body sums) const {
        Values all;
        for (Size b = 0; b < batch; b++)
            for (Size from = 0; from < time; from += LENGTH) append(all, sums(b, from, std::min(from + LENGTH, time)));
        return all;
    }
};

// Rows outside [from, to) of sequence b zero.
static Values only(const Values &x, Size b, Size from, Size to, Size time) {
    Values own(time * time);
    for (Size t = from; t < to; t++)
        std::copy_n(x.begin() + (b * time + t) * time, time, own.begin() + t * time);
    return own;
}

template <typename T, typename M, typename S>
static void at(const std::string &suffix, M matrix, S scores, Size batch, Size time, int shifts, bool compared) {
    auto run = compared ? checks : times;
    std::string shape = text("B%lld T%lld K%d", batch, time, shifts);
    double allowed = sizeof(T) == 8 ? 1e-12 : 1e-5;
    Buffer<T> a(batch * time * time), s(batch * time * time);
    a.normal(1);
    s.normal(2);
    run("lag_sums_matrix_" + suffix, [&] {
        Parts<T> parts(batch, 2 + shifts, time);
        Case test("lag_sums_matrix_" + suffix, shape);
        auto launches = [&] { launch(matrix, parts.grid(), a, s, parts.buffer, time, shifts); };
        if (!compared) return test.time(launches, (double)a.bytes() + s.bytes());
        Values x = a.values(), y = s.values();
        test.result("parts", parts.buffer, parts.expected(batch, [&](Size b, Size from, Size to) {
            Values own = only(x, b, from, to, time), other = only(y, b, from, to, time);
            Values sums = diagonal(own, 0, own, -1, 1, time);
            append(sums, diagonal(own, 0, own, 0, 1, time));
            for (int k = 0; k < shifts; k++) append(sums, diagonal(own, 0, other, k, 1, time));
            return sums;
        }), allowed).check(launches);
    });
    run("lag_sums_scores_" + suffix, [&] {
        Parts<T> parts(batch, shifts + shifts * (shifts + 1) / 2, time);
        Case test("lag_sums_scores_" + suffix, shape);
        auto launches = [&] { launch(scores, parts.grid(), s, parts.buffer, time, shifts); };
        if (!compared) return test.time(launches, (double)s.bytes());
        Values y = s.values();
        test.result("parts", parts.buffer, parts.expected(batch, [&](Size b, Size from, Size to) {
            Values own = only(y, b, from, to, time), sums;
            for (int j = 0; j < shifts; j++) append(sums, diagonal(own, j, own, -1, 1, time));
            for (int j = 0; j < shifts; j++)
                for (int k = 0; k <= j; k++) append(sums, diagonal(own, j, own, k, 1, time));
            return sums;
        }), allowed).check(launches);
    });
}

int main(int count, char **arguments) {
    begin(count, arguments);
    if (options.checks)
        for (Size time : {1, 7, 150, 300})
            for (int shifts : {1, 4}) {
                if (shifts > time) continue;
                at<float>("f32", lag_sums_matrix_f32, lag_sums_scores_f32, 2, time, shifts, true);
                at<double>("f64", lag_sums_matrix_f64, lag_sums_scores_f64, 2, time, shifts, true);
            }
    if (options.times)
        at<float>(
            "f32", lag_sums_matrix_f32, lag_sums_scores_f32, extent("B", 16), extent("T", 1024), (int)extent("K", 4),
            false);
    return end();
}
