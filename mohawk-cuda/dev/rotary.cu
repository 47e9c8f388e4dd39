// Rotary position embedding: rotary.cu.

#include "check.cuh"

#include <rotary.cu>

using namespace check;

struct Extents {
    Size batch, time, heads, width, turning, first;

    Size n() const { return batch * time * heads * width; }
    std::string text() const {
        return check::text("B%lld T%lld H%lld P%lld turning %lld", batch, time, heads, width, turning);
    }
};

static Values rotated(const Extents &e, const Values &x, const Values &cosines, const Values &sines, int direction) {
    Values y = x;
    Size half = e.turning / 2;
    for (Size head = 0; head < e.n() / e.width; head++) {
        Size row = (e.first + head / e.heads % e.time) * e.width, base = head * e.width;
        for (Size i = 0; i < half; i++) {
            double a = x[base + i], b = x[base + half + i], c = cosines[row + i], s = direction * sines[row + i];
            y[base + i] = a * c - b * s;
            y[base + half + i] = b * c + a * s;
        }
    }
    return y;
}

template <typename T, typename K>
static void at(const std::string &name, K kernel, const Extents &e, bool compared) {
    typedef Compute<T> C;
    (compared ? checks : times)(name, [&] {
        Size positions = e.first + e.time;
        Values c(positions * e.width), s(positions * e.width);
        for (Size i = 0; i < (Size)c.size(); i++) {
            double angle = i / e.width * std::pow(10000.0, -2.0 * (i % e.width % (e.turning / 2)) / e.turning);
            c[i] = rounded<C>(std::cos(angle));
            s[i] = rounded<C>(std::sin(angle));
        }
        Buffer<T> x(e.n()), y(e.n());
        Buffer<C> cosines(positions * e.width), sines(positions * e.width);
        x.normal(1);
        cosines.round(c);
        sines.round(s);
        for (int direction : {1, -1}) {
            auto launches = [&] {
                launch(
                    kernel, each(fours(e.n()) / 2 + 1), x, cosines, sines, y, e.n(), e.time, e.heads, e.width,
                    e.turning, e.first, direction);
            };
            Case test(name, e.text() + (direction < 0 ? " back" : ""));
            if (compared) {
                Values expected = rotated(e, x.values(), c, s, direction);
                double allowed = sizeof(T) == 2 ? 4e-3 : sizeof(T) == 4 ? 2e-6 : 1e-14;
                test.result("y", y, expected, allowed).check(launches);
            } else {
                test.result("y", y).time(launches, 2.0 * x.bytes());
            }
        }
    });
}

int main(int count, char **arguments) {
    begin(count, arguments);
    references([] {
        // turned and turned back is what it was
        Extents e = {2, 3, 2, 10, 6, 4};
        Values c(7 * 10), s(7 * 10), x = normals(1, e.n());
        for (Size i = 0; i < 70; i++) c[i] = std::cos(i * 0.3), s[i] = std::sin(i * 0.3);
        Values y = rotated(e, rotated(e, x, c, s, 1), c, s, -1);
        double error = 0;
        for (size_t i = 0; i < x.size(); i++) error = std::max(error, std::fabs(x[i] - y[i]));
        std::printf("reference turned back, off by %.2e", error);
        verdict(error < 1e-12);
    });
    if (options.checks)
        for (const Extents &e :
             {Extents{2, 37, 3, 64, 32, 0}, Extents{2, 37, 3, 64, 64, 5}, Extents{1, 9, 3, 10, 6, 1},
              Extents{1, 9, 3, 7, 4, 0}}) {
            at<float>("rotary_f32", rotary_f32, e, true);
            at<double>("rotary_f64", rotary_f64, e, true);
            at<Bf16>("rotary_bf16", rotary_bf16, e, true);
        }
    if (options.times) {
        Extents e = {extent("B", 8), extent("T", 2048), extent("H", 32), 64, 32, 0};
        at<Bf16>("rotary_bf16", rotary_bf16, e, false);
        at<float>("rotary_f32", rotary_f32, e, false);
    }
    return end();
}
