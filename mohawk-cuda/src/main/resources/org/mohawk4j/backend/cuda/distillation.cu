// The loss of stage 3 for some rows of logits at a time, a block for each row of the vocabulary, with the gradient by
// the student's logits, which may take the place of the teacher's:
//   (1-h)/(tau R) (softmax(student/tau) - softmax(teacher/tau)) + h/R (softmax(student) - onehot(label)).
// Both rows are read twice from cache.

template <typename T>
__device__ inline T largestOf(const T *row, const T *bias, Size count) {
    T largest = -T(1) / T(0);
    for (Size i = threadIdx.x; i < count; i += blockDim.x) {
        T x = bias ? row[i] + bias[i] : row[i];
        largest = x != x || x > largest ? x : largest;
    }
    return maxBlock(largest);
}

#define DISTILLATION(T, t_, G, g_)                                                                                     \
    extern "C" __global__ void distillation_##t_##_##g_(                                                               \
        const T *teacher, const T *teacherBias, const T *student, const T *studentBias, const int *labels, T *losses,  \
        G *gradients, Size vocabulary, Size rows, double temperature, double hardLabelShare) {                         \
        const T *target = teacher + blockIdx.x * vocabulary;                                                           \
        const T *logits = student + blockIdx.x * vocabulary;                                                           \
        T sharpness = T(1 / temperature);                                                                              \
        T h = T(hardLabelShare);                                                                                       \
        T targetMax = largestOf(target, teacherBias, vocabulary);                                                      \
        T logitMax = largestOf(logits, studentBias, vocabulary);                                                       \
        T targetSum = T(0), softSum = T(0), hardSum = T(0), product = T(0);                                            \
        for (Size i = threadIdx.x; i < vocabulary; i += blockDim.x) {                                                  \
            T t = exp(((teacherBias ? target[i] + teacherBias[i] : target[i]) - targetMax) * sharpness);               \
            T s = (studentBias ? logits[i] + studentBias[i] : logits[i]) - logitMax;                                   \
            targetSum += t;                                                                                            \
            product += t * s;                                                                                          \
            softSum += exp(s * sharpness);                                                                             \
            if (h > T(0)) hardSum += exp(s);                                                                           \
        }                                                                                                              \
        targetSum = sumBlock(targetSum);                                                                               \
        product = sumBlock(product);                                                                                   \
        softSum = sumBlock(softSum);                                                                                   \
        hardSum = sumBlock(hardSum);                                                                                   \
        int label = labels ? labels[blockIdx.x] : -1;                                                                  \
        if (threadIdx.x == 0) {                                                                                        \
            T soft = log(softSum) - product / targetSum * sharpness;                                                   \
            T hard = T(0);                                                                                             \
            if (h > T(0))                                                                                              \
                hard = log(hardSum)                                                                                    \
                    - ((studentBias ? logits[label] + studentBias[label] : logits[label]) - logitMax);                 \
            losses[blockIdx.x] = ((T(1) - h) * soft + h * hard) / T(rows);                                             \
        }                                                                                                              \
        T softWeight = (T(1) - h) * sharpness / T(rows);                                                               \
        __syncthreads();                                                                                               \
        for (Size i = threadIdx.x; i < vocabulary; i += blockDim.x) {                                                  \
            T t = exp(((teacherBias ? target[i] + teacherBias[i] : target[i]) - targetMax) * sharpness) / targetSum;   \
            T s = (studentBias ? logits[i] + studentBias[i] : logits[i]) - logitMax;                                   \
            T gradient = softWeight * (exp(s * sharpness) / softSum - t);                                              \
            if (h > T(0)) gradient += h / T(rows) * (exp(s) / hardSum - (i == label ? T(1) : T(0)));                   \
            put(gradients + blockIdx.x * vocabulary, i, gradient);                                                     \
        }                                                                                                              \
    }

DISTILLATION(float, f32, float, f32)
DISTILLATION(double, f64, double, f64)
DISTILLATION(float, f32, Bf16, bf16)
