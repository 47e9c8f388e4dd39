// AdamW over many parameters in one launch, and the norm of their gradients: optimizer.cu.

#include "check.cuh"

#include <optimizer.cu>

using namespace check;

static const Size STRETCH = 65536; // elements of a block
static const Rates RATES = {3e-4, 0.9, 0.95, 1e-8, 1 - 0.9 * 0.9 * 0.9, 1 - 0.95 * 0.95 * 0.95};

// Of the p-th parameter.
static double rateFactor(size_t p) { return p % 3 == 1 ? 4 : 1; }
static double weightDecay(size_t p) { return p % 2 == 0 ? 0.1 : 0; }

// Parameters of these sizes, one after the other in four arrays.
template <typename T>
struct Model {
    std::vector<Size> counts;
    Size n = 0, blocks = 0;
    std::unique_ptr<Buffer<T>> value, gradient, first, second, parts;
    Buffer<T> scale{1}, norm{1};
    std::unique_ptr<Buffer<Piece>> table;

    explicit Model(const std::vector<Size> &counts) : counts(counts) {
        for (Size count : counts) n += padded(count);
        auto make = [&](std::unique_ptr<Buffer<T>> &buffer, unsigned seed, float size, float shift) {
            buffer = std::make_unique<Buffer<T>>(n);
            buffer->normal(seed, size, shift);
        };
        make(value, 1, 0.02f, 0);
        make(gradient, 2, 0.1f, 0);
        make(first, 3, 0.1f, 0);
        make(second, 4, 0.002f, 0.01f); // positive
        scale.round({0.7});
        std::vector<Piece> pieces;
        Size from = 0;
        for (size_t i = 0; i < counts.size(); i++) {
            auto at = [&](Buffer<T> &buffer) { return (Size)(buffer.at() + from); };
            pieces.push_back({at(*value), at(*gradient), at(*first), at(*second), counts[i], rateFactor(i), weightDecay(i), blocks});
            from += padded(counts[i]);
            blocks += ceilOf(counts[i], STRETCH);
        }
        table = std::make_unique<Buffer<Piece>>((Size)pieces.size());
        table->set(pieces);
        parts = std::make_unique<Buffer<T>>(blocks);
    }

    // A parameter begins where vectors may.
    static Size padded(Size count) { return ceilOf(count, 32) * 32; }

    Grid grid() const { return {dim3((unsigned)blocks)}; }
    std::string text() const { return check::text("%zu parameters, %lld", counts.size(), n); }
};

// Places between parameters keep what they have.
template <typename T>
struct Reference {
    Values value, first, second;
    double norm = 0;

    explicit Reference(const Model<T> &m)
        : value(m.value->values()), first(m.first->values()), second(m.second->values()) {
        Values gradient = m.gradient->values();
        double scale = m.scale.values()[0];
        Size from = 0;
        for (size_t p = 0; p < m.counts.size(); from += Model<T>::padded(m.counts[p++]))
            for (Size i = from; i < from + m.counts[p]; i++) {
                double g = gradient[i] * scale;
                norm += gradient[i] * gradient[i];
                first[i] = RATES.beta1 * first[i] + (1 - RATES.beta1) * g;
                second[i] = RATES.beta2 * second[i] + (1 - RATES.beta2) * g * g;
                value[i] *= 1 - RATES.learningRate * rateFactor(p) * weightDecay(p);
                value[i] -= RATES.learningRate * rateFactor(p) * (first[i] / RATES.correction1)
                    / (std::sqrt(second[i] / RATES.correction2) + RATES.epsilon);
            }
        norm = std::sqrt(norm);
    }
};

template <typename T, typename A, typename S, typename R>
static void at(const char *type, A adamw, S squares, R rootOfSum, const std::vector<Size> &counts, bool compared) {
    Model<T> m(counts);
    auto update = [&] {
        launch(
            adamw, m.grid(), *m.table, m.counts.size(), STRETCH, m.scale, RATES.learningRate, RATES.beta1,
            RATES.beta2, RATES.epsilon, RATES.correction1, RATES.correction2);
    };
    auto norm = [&] {
        launch(squares, m.grid(), *m.table, m.counts.size(), STRETCH, *m.parts);
        launch(rootOfSum, {dim3(1)}, *m.parts, m.norm, m.blocks);
    };
    std::string update_ = std::string("adamw") + type, norm_ = std::string("squares") + type;
    double all = 0, allowed = sizeof(T) == 8 ? 1e-12 : 1e-5;
    for (Size count : counts) all += (double)count * sizeof(T);
    if (compared) {
        Reference<T> r(m);
        checks(norm_, [&] { Case(norm_, m.text()).result("norm", m.norm, {r.norm}, allowed).check(norm); });
        checks(update_, [&] {
            Case(update_, m.text())
                .inPlace("value", *m.value, r.value, allowed)
                .inPlace("first", *m.first, r.first, allowed)
                .inPlace("second", *m.second, r.second, allowed)
                .check(update);
        });
        return;
    }
    times(norm_, [&] { Case(norm_, m.text()).result("norm", m.norm).time(norm, all); });
    times(update_, [&] { Case(update_, m.text()).time(update, 7 * all); });
}

int main(int count, char **arguments) {
    begin(count, arguments);
    std::vector<Size> some = {1, 1001, 65536, 200003, 4, 131072};
    if (options.checks) {
        at<float>("_f32", adamw_f32, squares_f32, root_of_sum_f32, some, true);
        at<double>("_f64", adamw_f64, squares_f64, root_of_sum_f64, some, true);
    }
    if (options.times) {
        // what two blocks of Phi-1.5 have
        Size D = extent("D", 2048);
        std::vector<Size> blocks;
        for (Size i = 0; i < extent("blocks", 2); i++)
            for (Size own : {D, D, D * 3 * D, 3 * D, D * D, D, 4 * D * D, 4 * D, 4 * D * D, D}) blocks.push_back(own);
        at<float>("_f32", adamw_f32, squares_f32, root_of_sum_f32, blocks, false);
    }
    return end();
}
