// The loss of stage 3 for some rows of logits at a time, a block for each row of the vocabulary, with the gradient by
// the student's logits, which may take the place of the teacher's:
//   (1-h)/(tau R) (softmax(student/tau) - softmax(teacher/tau)) + h/R (softmax(student) - onehot(label)).
// Both rows are read twice: for their sums, which are kept by the largest logit so far, and for the gradient. Where shared
// memory has room for the student's row, it is kept there, so that the rows that are under way at a time and are read
// again fit into the cache.

#include "common.cuh"

// Sums over some logits of both models, of which target and student are the largest:
//   targets = sum exp((t - target) sharpness), products = sum exp((t - target) sharpness) (s - student),
//   softs = sum exp((s - student) sharpness), hards = sum exp(s - student).
template <typename T, typename G>
struct Sums {
    T target, student, targets, products, softs, hards;

    __device__ inline void rise(T newTarget, T newStudent, T sharpness, bool hard) {
        if (newTarget > target) {
            T kept = expOf<G>((target - newTarget) * sharpness);
            targets *= kept;
            products *= kept;
            target = newTarget;
        }
        if (newStudent > student) {
            products -= targets == T(0) ? T(0) : targets * (newStudent - student);
            softs *= expOf<G>((student - newStudent) * sharpness);
            if (hard) hards *= expOf<G>(student - newStudent);
            student = newStudent;
        }
    }

    __device__ inline void add(T t, T s, T sharpness, bool hard) {
        T weight = expOf<G>((t - target) * sharpness);
        targets += weight;
        products += weight * (s - student);
        softs += expOf<G>((s - student) * sharpness);
        if (hard) hards += expOf<G>(s - student);
    }
};

// A logit that no real one is below: infinity would leave 0 times infinity.
template <typename T>
__device__ inline T lowest() {
    return T(-1e30);
}

template <int COLUMNS, typename T>
__device__ inline Four<T> logitsOf(const T *row, const T *bias, Size i) {
    Four<T> x = getColumns<COLUMNS>(row, i);
    if (bias) {
        Four<T> shift = getColumns<COLUMNS>(bias, i);
        for (int k = 0; k < COLUMNS; k++) x.at[k] += shift.at[k];
    }
    return x;
}

// Four numbers that the cache need not keep.
__device__ inline void readOnce(const float *x, Four<float> &v) {
    asm volatile("ld.global.cs.v4.f32 {%0, %1, %2, %3}, [%4];"
                 : "=f"(v.at[0]), "=f"(v.at[1]), "=f"(v.at[2]), "=f"(v.at[3])
                 : "l"(x));
}
__device__ inline void readOnce(const double *x, Four<double> &v) { v = getFour(x, 0); }

// The student's logits when they are first read, and kept if they are to be.
template <int COLUMNS, bool KEPT, typename T>
__device__ inline Four<T> studentOf(const T *row, const T *bias, T *kept, Size i) {
    if (!KEPT) return logitsOf<COLUMNS>(row, bias, i);
    Four<T> x;
    readOnce(row + i, x);
    if (bias) {
        Four<T> shift = getColumns<COLUMNS>(bias, i);
        for (int k = 0; k < COLUMNS; k++) x.at[k] += shift.at[k];
    }
    putColumns<COLUMNS>(kept, i, x);
    return x;
}

// kept has room for the student's row, or is null.
template <int COLUMNS, bool KEPT, typename T, typename G>
__device__ inline void distillation(
    const T *target, const T *targetBias, const T *student, const T *studentBias, T *kept, int label, T *loss,
    G *gradient, Size vocabulary, Size rows, T sharpness, T h) {
    bool hard = h > T(0);
    Size step = (Size)blockDim.x * COLUMNS;
    Sums<T, G> own = {lowest<T>(), lowest<T>(), T(0), T(0), T(0), T(0)};
    for (Size i = threadIdx.x * COLUMNS; i < vocabulary; i += step) {
        Four<T> t = logitsOf<COLUMNS>(target, targetBias, i);
        Four<T> s = studentOf<COLUMNS, KEPT>(student, studentBias, kept, i);
        T highest = t.at[0], highestStudent = s.at[0];
        for (int k = 1; k < COLUMNS; k++) {
            highest = t.at[k] > highest ? t.at[k] : highest;
            highestStudent = s.at[k] > highestStudent ? s.at[k] : highestStudent;
        }
        own.rise(highest, highestStudent, sharpness, hard);
        for (int k = 0; k < COLUMNS; k++) own.add(t.at[k], s.at[k], sharpness, hard);
    }
    own.rise(maxBlock(own.target), maxBlock(own.student), sharpness, hard);
    T targets = sumBlock(own.targets);
    T products = sumBlock(own.products);
    T softs = sumBlock(own.softs);
    T hards = hard ? sumBlock(own.hards) : T(0);
    if (threadIdx.x == 0) {
        T soft = log(softs) - products / targets * sharpness;
        T hardLoss = T(0);
        if (hard) {
            T right = studentBias ? student[label] + studentBias[label] : student[label];
            hardLoss = log(hards) - (right - own.student);
        }
        *loss = ((T(1) - h) * soft + h * hardLoss) / T(rows);
    }
    __syncthreads();
    T softWeight = (T(1) - h) * sharpness / T(rows);
    T ofStudent = softWeight / softs, ofTarget = softWeight / targets;
    T ofHard = hard ? h / T(rows) / hards : T(0);
    for (Size i = threadIdx.x * COLUMNS; i < vocabulary; i += step) {
        Four<T> t = logitsOf<COLUMNS>(target, targetBias, i);
        Four<T> s = KEPT ? getColumns<COLUMNS>(kept, i) : logitsOf<COLUMNS>(student, studentBias, i);
        for (int k = 0; k < COLUMNS; k++) {
            T g = ofStudent * expOf<G>((s.at[k] - own.student) * sharpness)
                - ofTarget * expOf<G>((t.at[k] - own.target) * sharpness);
            if (hard) g += ofHard * expOf<G>(s.at[k] - own.student) - (i + k == label ? h / T(rows) : T(0));
            t.at[k] = g;
        }
        putColumns<COLUMNS>(gradient, i, t);
    }
}

// The gradient may take the place of the teacher's logits: each thread writes where only it has read.
#define DISTILLATION(T, t_, G, g_)                                                                                     \
    extern "C" __global__ void distillation_##t_##_##g_(                                                               \
        const T *teacher, const T *teacherBias, const T *student, const T *studentBias, const int *labels, T *losses,  \
        G *gradients, Size vocabulary, Size rows, double temperature, double hardLabelShare) {                         \
        Size base = blockIdx.x * vocabulary;                                                                           \
        bool fours = vocabulary % 4 == 0 && inFours(teacher) && inFours(student) && inFours(gradients)                 \
            && inFours(teacherBias) && inFours(studentBias);                                                           \
        int label = labels ? labels[blockIdx.x] : -1;                                                                  \
        if (fours)                                                                                                     \
            distillation<4, false>(                                                                                    \
                teacher + base, teacherBias, student + base, studentBias, (T *)0, label, losses + blockIdx.x,          \
                gradients + base, vocabulary, rows, T(1 / temperature), T(hardLabelShare));                            \
        else                                                                                                           \
            distillation<1, false>(                                                                                    \
                teacher + base, teacherBias, student + base, studentBias, (T *)0, label, losses + blockIdx.x,          \
                gradients + base, vocabulary, rows, T(1 / temperature), T(hardLabelShare));                            \
    }

// With room for a row of the student's in shared memory; all rows lie in fours.
#define DISTILLATION_KEPT(T, t_, G, g_)                                                                                \
    extern "C" __global__ void __launch_bounds__(1024) distillation_kept_##t_##_##g_(                                  \
        const T *teacher, const T *teacherBias, const T *student, const T *studentBias, const int *labels, T *losses,  \
        G *gradients, Size vocabulary, Size rows, double temperature, double hardLabelShare) {                         \
        extern __shared__ float4 room[];                                                                               \
        Size base = blockIdx.x * vocabulary;                                                                           \
        distillation<4, true>(                                                                                         \
            teacher + base, teacherBias, student + base, studentBias, (T *)room,                                       \
            labels ? labels[blockIdx.x] : -1, losses + blockIdx.x, gradients + base, vocabulary, rows,                 \
            T(1 / temperature), T(hardLabelShare));                                                                    \
    }

DISTILLATION(float, f32, float, f32)
DISTILLATION(double, f64, double, f64)
DISTILLATION(float, f32, Bf16, bf16)
DISTILLATION_KEPT(float, f32, float, f32)
DISTILLATION_KEPT(float, f32, Bf16, bf16)
