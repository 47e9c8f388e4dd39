// The loss of stage 3 for some rows of logits at a time, a block for each row of the vocabulary, with the gradient by
// the student's logits, which may take the place of the teacher's:
//   (1-h)/(tau R) (softmax(student/tau) - softmax(teacher/tau)) + h/R (softmax(student) - onehot(label)).
// Both rows are read twice: for their sums, which are kept by the largest logit so far, and for the gradient. Where shared
// memory has room for the student's row, it is kept there, so that the rows that are under way at a time and are read
// again fit into the cache. Where a block's has none for a row of a large vocabulary, a cluster of CLUSTER blocks shares
// the row, each with its columns; what they find is added up in the order of their ranks.

#include "common.cuh"
#ifdef CLUSTER
#include "shared_memory.cuh"
#endif

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

// A row that a block has for itself.
struct Whole {
    Size from = 0;
    Size to;

    __device__ inline explicit Whole(Size vocabulary) : to(vocabulary) {}

    __device__ inline bool isFirst() const { return true; }

    template <typename T>
    __device__ inline T all(int op, int, T x) {
        return combineBlock(op, x);
    }

    __device__ inline void leave() {}
};

#ifdef CLUSTER
// A row that the blocks of a cluster share.
struct Shared {
    Size from;
    Size to;
    unsigned rank;
    float *found;

    __device__ inline Shared(Size vocabulary, float *found) : found(found) {
        asm volatile("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
        Size each = (vocabulary + 4 * CLUSTER - 1) / (4 * CLUSTER) * 4;
        from = rank * each < vocabulary ? rank * each : vocabulary;
        to = from + each < vocabulary ? from + each : vocabulary;
    }

    __device__ inline bool isFirst() const { return rank == 0; }

    __device__ static inline void meet() {
        asm volatile("barrier.cluster.arrive.release;\n\tbarrier.cluster.wait.acquire;" ::: "memory");
    }

    // Each place is used once.
    __device__ inline float all(int op, int place, float x) {
        x = combineBlock(op, x);
        if (threadIdx.x == 0) found[place] = x;
        meet();
        float result = start<float>(op);
        for (int other = 0; other < CLUSTER; other++) {
            unsigned address;
            float theirs;
            asm volatile("mapa.shared::cluster.u32 %0, %1, %2;"
                         : "=r"(address)
                         : "r"(sharedAddress(found + place)), "r"(other));
            asm volatile("ld.shared::cluster.f32 %0, [%1];" : "=f"(theirs) : "r"(address) : "memory");
            result = combine(op, result, theirs);
        }
        return result;
    }

    // No block ends while another may still read what it found.
    __device__ inline void leave() { meet(); }
};
#endif

// kept has room for the student's columns of this block, or is null.
template <int COLUMNS, bool KEPT, typename T, typename G, typename Part>
__device__ inline void distillation(
    Part part, const T *target, const T *targetBias, const T *student, const T *studentBias, T *kept, int label,
    T *loss, G *gradient, Size rows, T sharpness, T h) {
    bool hard = h > T(0);
    Size step = (Size)blockDim.x * COLUMNS;
    Sums<T, G> own = {lowest<T>(), lowest<T>(), T(0), T(0), T(0), T(0)};
    kept -= part.from;
    for (Size i = part.from + threadIdx.x * COLUMNS; i < part.to; i += step) {
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
    T largest = part.all(MAX, 0, own.target);
    own.rise(largest, part.all(MAX, 1, own.student), sharpness, hard);
    T targets = part.all(SUM, 2, own.targets);
    T products = part.all(SUM, 3, own.products);
    T softs = part.all(SUM, 4, own.softs);
    T hards = hard ? part.all(SUM, 5, own.hards) : T(0);
    if (threadIdx.x == 0 && part.isFirst()) {
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
    for (Size i = part.from + threadIdx.x * COLUMNS; i < part.to; i += step) {
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
    part.leave();
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
                Whole(vocabulary), teacher + base, teacherBias, student + base, studentBias, (T *)0, label,            \
                losses + blockIdx.x, gradients + base, rows, T(1 / temperature), T(hardLabelShare));                   \
        else                                                                                                           \
            distillation<1, false>(                                                                                    \
                Whole(vocabulary), teacher + base, teacherBias, student + base, studentBias, (T *)0, label,            \
                losses + blockIdx.x, gradients + base, rows, T(1 / temperature), T(hardLabelShare));                   \
    }

// With room for a row of the student's in shared memory; all rows lie in fours.
#define DISTILLATION_KEPT(T, t_, G, g_)                                                                                \
    extern "C" __global__ void __launch_bounds__(1024) distillation_kept_##t_##_##g_(                                  \
        const T *teacher, const T *teacherBias, const T *student, const T *studentBias, const int *labels, T *losses,  \
        G *gradients, Size vocabulary, Size rows, double temperature, double hardLabelShare) {                         \
        extern __shared__ float4 room[];                                                                               \
        Size base = blockIdx.x * vocabulary;                                                                           \
        distillation<4, true>(                                                                                         \
            Whole(vocabulary), teacher + base, teacherBias, student + base, studentBias, (T *)room,                    \
            labels ? labels[blockIdx.x] : -1, losses + blockIdx.x, gradients + base, rows, T(1 / temperature),         \
            T(hardLabelShare));                                                                                        \
    }

DISTILLATION(float, f32, float, f32)
DISTILLATION(double, f64, double, f64)
DISTILLATION(float, f32, Bf16, bf16)
DISTILLATION_KEPT(float, f32, float, f32)
DISTILLATION_KEPT(float, f32, Bf16, bf16)

#ifdef CLUSTER
// A cluster for each row, with room for a block's columns of the student's in its shared memory; all rows lie in fours.
#define DISTILLATION_SHARED(G, g_)                                                                                     \
    extern "C" __global__ void __cluster_dims__(CLUSTER, 1, 1) __launch_bounds__(1024)                                 \
        distillation_shared_f32_##g_(                                                                                  \
            const float *teacher, const float *teacherBias, const float *student, const float *studentBias,            \
            const int *labels, float *losses, G *gradients, Size vocabulary, Size rows, double temperature,            \
            double hardLabelShare) {                                                                                   \
        extern __shared__ float4 room[];                                                                               \
        __shared__ float found[6];                                                                                     \
        Size row = blockIdx.x / CLUSTER;                                                                               \
        Size base = row * vocabulary;                                                                                  \
        distillation<4, true>(                                                                                         \
            Shared(vocabulary, found), teacher + base, teacherBias, student + base, studentBias, (float *)room,        \
            labels ? labels[row] : -1, losses + row, gradients + base, rows, float(1 / temperature),                   \
            float(hardLabelShare));                                                                                    \
    }

DISTILLATION_SHARED(float, f32)
DISTILLATION_SHARED(Bf16, bf16)
#endif
