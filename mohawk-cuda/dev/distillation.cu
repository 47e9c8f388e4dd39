// The loss of stage 3 with the gradient by the student's logits: distillation.cu. The gradient takes the place of the
// teacher's logits where it has their type. Rows whose vocabulary fits into shared memory, of one block or of a cluster's,
// are kept there.
//
// variant: alone
// variant: cluster2 -DCLUSTER=2
// variant: cluster4 -DCLUSTER=4
// variant: cluster8 -DCLUSTER=8

#include "check.cuh"

#include <distillation.cu>

using namespace check;

struct Call {
    Size rows, all, vocabulary; // rows of one launch, of all
    double temperature, hard;
    bool biased;

    std::string text() const {
        return check::text("R%lld V%lld tau%g h%g%s", rows, vocabulary, temperature, hard, biased ? " bias" : "");
    }
};

struct Reference {
    Values losses, gradient;

    Reference(const Call &c, const Values &teacher, const Values &student, const std::vector<int> &labels)
        : losses(c.rows), gradient(c.rows * c.vocabulary) {
        Size V = c.vocabulary;
        for (Size r = 0; r < c.rows; r++) {
            const double *t = &teacher[r * V], *s = &student[r * V];
            Values target(V), soft(V), hard(V);
            auto softmax = [&](Values &p, const double *x, double temperature) {
                double largest = -INFINITY, sum = 0;
                for (Size i = 0; i < V; i++) largest = std::max(largest, x[i] / temperature);
                for (Size i = 0; i < V; i++) sum += p[i] = std::exp(x[i] / temperature - largest);
                for (double &x : p) x /= sum;
                return largest + std::log(sum);
            };
            softmax(target, t, c.temperature);
            double ofSoft = softmax(soft, s, c.temperature), ofHard = softmax(hard, s, 1);
            double loss = c.hard * (ofHard - s[labels[r]]);
            for (Size i = 0; i < V; i++) {
                loss += (1 - c.hard) * target[i] * (ofSoft - s[i] / c.temperature);
                gradient[r * V + i] = ((1 - c.hard) / c.temperature * (soft[i] - target[i])
                    + c.hard * (hard[i] - (i == labels[r]))) / c.all;
            }
            losses[r] = loss / c.all;
        }
    }
};

// Logits without the biases that the kernel adds.
static Values added(Values logits, const Values &bias) {
    for (size_t i = 0; i < logits.size(); i++) logits[i] += bias[i % bias.size()];
    return logits;
}

// blocks share a row that they keep; 0: it is not kept.
template <typename T, typename G, typename K>
static void at(const char *name, K kernel, const Call &c, int blocks, bool compared) {
    bool kept = blocks > 0;
    Size n = c.rows * c.vocabulary;
    Buffer<T> teacher(n), student(n), teacherBias(c.vocabulary), studentBias(c.vocabulary), losses(c.rows);
    Buffer<int> labels(c.rows);
    constexpr bool narrow = sizeof(G) < sizeof(T);
    Buffer<G> gradient(narrow ? n : 1);
    teacher.normal(1, 3);
    student.normal(2, 3, 5);
    teacherBias.normal(3);
    studentBias.normal(4);
    std::vector<int> own(c.rows);
    for (Size r = 0; r < c.rows; r++) own[r] = (int)(hashed(5, r) % c.vocabulary);
    labels.set(own);
    Grid grid = {
        dim3((unsigned)(c.rows * (kept ? blocks : 1))), kept ? 1024 : 256,
        kept ? (int)(ceilOf(c.vocabulary, 4 * blocks) * 4 * sizeof(float)) : 0};
    auto launches = [&] {
        launch(
            kernel, grid, teacher, c.biased ? teacherBias.at() : nullptr, student,
            c.biased ? studentBias.at() : nullptr, c.hard > 0 ? labels.at() : nullptr, losses,
            narrow ? gradient.at() : (G *)teacher.at(), c.vocabulary, c.all, c.temperature, c.hard);
    };
    Case test(name, c.text());
    if (!compared) {
        test.result("losses", losses).time(launches, (double)n * (2 * sizeof(T) + sizeof(G)));
        return;
    }
    Values none(1);
    Reference r(
        c, added(teacher.values(), c.biased ? teacherBias.values() : none),
        added(student.values(), c.biased ? studentBias.values() : none), own);
    bool exact = sizeof(T) == 8;
    test.result("losses", losses, r.losses, exact ? 1e-11 : narrow ? 1e-4 : 1e-5);
    if (narrow) test.result("gradient", gradient, r.gradient, 1e-2);
    else test.inPlace("gradient", teacher, r.gradient, exact ? 1e-10 : 1e-4);
    test.check(launches);
}

static void cases(const Call &c, bool fits, bool compared) {
    auto run = compared ? checks : times;
#define DISTILLATION_OF(name, T, G, blocks)                                                                            \
    run(#name, [&] { at<T, G>(#name, name, c, blocks, compared); });
#ifdef CLUSTER
    if (c.vocabulary % 4 != 0) return;
    DISTILLATION_OF(distillation_shared_f32_f32, float, float, CLUSTER)
    DISTILLATION_OF(distillation_shared_f32_bf16, float, Bf16, CLUSTER)
    return;
#endif
    DISTILLATION_OF(distillation_f32_f32, float, float, 0)
    DISTILLATION_OF(distillation_f32_bf16, float, Bf16, 0)
    if (compared) {
        DISTILLATION_OF(distillation_f64_f64, double, double, 0)
    }
    if (!fits) return;
    DISTILLATION_OF(distillation_kept_f32_f32, float, float, 1)
    DISTILLATION_OF(distillation_kept_f32_bf16, float, Bf16, 1)
}

int main(int count, char **arguments) {
    begin(count, arguments);
    references([] {
        Call c = {3, 5, 11, 2, 0.3, false};
        Values t = normals(1, 33), s = normals(2, 33);
        std::vector<int> labels = {4, 0, 10};
        auto loss = [&](const Values &x) {
            double sum = 0;
            for (double one : Reference(c, t, x, labels).losses) sum += one;
            return sum;
        };
        gradient("distillation by logits", s, Reference(c, t, s, labels).gradient, loss);
    });
    if (options.checks) {
        cases({7, 7, 1003, 1, 0, false}, false, true);
        cases({5, 20, 1003, 2, 0.4, true}, false, true);
        cases({7, 7, 5120, 1, 0, false}, true, true);
        cases({5, 20, 5120, 2, 0.4, true}, true, true);
        cases({3, 3, 51200, 1, 0.5, false}, true, true);
        cases({300, 300, 1004, 1, 0.5, true}, true, true);
        cases({3, 3, 100'000, 2, 0.25, true}, false, true);
    }
    // as many rows at a time as make 2^28 logits, in whole tiles of 256
    if (options.times) {
#ifdef CLUSTER
        Size vocabulary = extent("V", 57'000 * CLUSTER);
#else
        Size vocabulary = extent("V", 51200);
#endif
        bool fits = vocabulary % 4 == 0
            && vocabulary * (Size)sizeof(float) <= attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin) - 2048;
        cases({extent("rows", 4096), 16384, vocabulary, 1, 0, false}, fits, false);
    }
    return end();
}
