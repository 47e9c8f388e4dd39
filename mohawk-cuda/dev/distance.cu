// A mean of distances between rows, with its gradient by the student: the loss of stage 2 and, relative to the norms of
// the teacher's rows, the hidden-state loss of stage 3: distance.cu.

#include "check.cuh"

#include <distance.cu>

using namespace check;

struct Reference {
    Values losses, gradient;

    Reference(const Values &teacher, const Values &student, Size rows, bool relative)
        : losses(rows), gradient(student.size()) {
        Size width = (Size)student.size() / rows;
        for (Size r = 0; r < rows; r++) {
            double squares = 0, teacherSquares = 0;
            for (Size i = r * width; i < (r + 1) * width; i++) {
                gradient[i] = student[i] - teacher[i];
                squares += gradient[i] * gradient[i];
                teacherSquares += teacher[i] * teacher[i];
            }
            double norm = std::sqrt(squares);
            double unit = relative ? std::sqrt(teacherSquares) : 1;
            losses[r] = norm / (unit * rows);
            for (Size i = r * width; i < (r + 1) * width; i++) gradient[i] /= norm == 0 ? 1 : norm * unit * rows;
        }
    }
};

template <typename T, typename K>
static void at(const std::string &name, K kernel, bool relative, Size rows, Size width, bool compared) {
    (compared ? checks : times)(name, [&] {
        Size n = rows * width;
        Buffer<T> teacher(n), student(n), gradient(n);
        Buffer<Compute<T>> losses(rows);
        teacher.normal(1);
        student.normal(2);
        if (compared) {
            // the last row is the same in both: its gradient is zero
            Values same = teacher.values(), other = student.values();
            std::copy(same.end() - width, same.end(), other.end() - width);
            student.round(other);
        }
        for (bool wanted : {true, false}) {
            auto launches = [&] {
                launch(
                    kernel, {dim3((unsigned)rows)}, teacher, student, losses, wanted ? gradient.at() : nullptr, width);
            };
            Case test(name, text("[%lld, %lld]%s", rows, width, wanted ? "" : " loss"));
            if (compared) {
                Reference r(teacher.values(), student.values(), rows, relative);
                test.result("losses", losses, r.losses, sizeof(T) == 8 ? 1e-12 : 1e-5);
                double allowed = sizeof(T) == 2 ? 4e-3 : sizeof(T) == 4 ? 1e-5 : 1e-12;
                if (wanted) test.result("gradient", gradient, r.gradient, allowed);
                test.check(launches);
            } else {
                test.result("losses", losses);
                test.time(launches, (double)n * sizeof(T) * (wanted ? 3 : 2));
            }
        }
    });
}

int main(int count, char **arguments) {
    begin(count, arguments);
    references([] {
        Values t = normals(1, 21), s = normals(2, 21);
        for (bool relative : {false, true}) {
            const char *name = relative ? "relative distance by student" : "distance by student";
            gradient(name, s, Reference(t, s, 3, relative).gradient, [&](const Values &x) {
                double sum = 0;
                for (double one : Reference(t, x, 3, relative).losses) sum += one;
                return sum;
            });
        }
    });
    if (options.checks)
        for (Size width : {77, 2048}) {
            at<float>("distance_f32", distance_f32, false, 5, width, true);
            at<double>("distance_f64", distance_f64, false, 5, width, true);
            at<Bf16>("distance_bf16", distance_bf16, false, 5, width, true);
            at<float>("relative_distance_f32", relative_distance_f32, true, 5, width, true);
            at<double>("relative_distance_f64", relative_distance_f64, true, 5, width, true);
            at<Bf16>("relative_distance_bf16", relative_distance_bf16, true, 5, width, true);
        }
    if (options.times) {
        Size rows = extent("rows", 16384), width = extent("D", 2048);
        at<Bf16>("distance_bf16", distance_bf16, false, rows, width, false);
        at<float>("distance_f32", distance_f32, false, rows, width, false);
        at<Bf16>("relative_distance_bf16", relative_distance_bf16, true, rows, width, false);
        at<float>("relative_distance_f32", relative_distance_f32, true, rows, width, false);
    }
    return end();
}
