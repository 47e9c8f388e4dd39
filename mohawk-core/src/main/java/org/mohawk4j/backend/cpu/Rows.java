package org.mohawk4j.backend.cpu;

import org.mohawk4j.op.Activation;

/**
 * Kernels on rows of float32 numbers outside of the Java heap. Rows are given by the address of their first number, are
 * n long, and are equal or do not overlap. NaN goes through. There are two versions, which agree up to rounding:
 * {@link PlainRows}, and one in vectors where the JDK has them.
 */
public interface Rows {
    /** What the version is, for the backend's description. */
    String name();

    /** {@code y = a + b}. */
    void add(long y, long a, long b, int n);

    /** {@code y = a - b}. */
    void subtract(long y, long a, long b, int n);

    /** {@code y = a b}. */
    void multiply(long y, long a, long b, int n);

    /** {@code y += a b}. */
    void multiplyAdd(long y, long a, long b, int n);

    /** {@code y = scale x + shift}. */
    void affine(long y, float scale, float shift, long x, int n);

    /** {@code y += scale x}. */
    void addScaled(long y, float scale, long x, int n);

    float sum(long x, int n);

    float dot(long a, long b, int n);

    /** {@code y_i = a_i · x} with some rows of n numbers that are close together. */
    void dots(long y, long a, int rows, long x, int n);

    /** {@code y = exp(scale x + shift)}, for exponents of at most 88; below -87 it is 0. */
    void exp(long y, float scale, float shift, long x, int n);

    /**
     * {@code y = softmax(scale x)}.
     *
     * @return log-sum-exp of {@code scale x}
     */
    float softmax(long y, float scale, long x, int n);

    /** {@code y = p (g - Σ p g)}: through a softmax p. */
    void softmaxGradient(long y, long p, long g, int n);

    /** {@code y = activation(x)}. */
    void activate(Activation activation, long y, long x, int n);

    /** {@code y = g activation'(x)}. */
    void activationGradient(Activation activation, long y, long g, long x, int n);

    /** {@code y = x silu(z + bias)}. */
    void gate(long y, long x, long z, long bias, int n);

    /** {@code ofX = g silu(z + bias)} and {@code ofZ = g x silu'(z + bias)}. */
    void gateGradient(long ofX, long ofZ, long g, long x, long z, long bias, int n);

    /**
     * Layer normalization.
     *
     * @param statistics receives mean and 1 / deviation
     */
    void layerNorm(long y, long x, long weight, long bias, float epsilon, long statistics, int n);

    /**
     * Its gradients.
     *
     * @param ofWeight added to
     * @param ofBias added to
     */
    void layerNormGradient(long ofX, long g, long x, long weight, long statistics, long ofWeight, long ofBias, int n);

    /**
     * Root mean square normalization.
     *
     * @param statistics receives 1 / root
     */
    void rmsNorm(long y, long x, long weight, float epsilon, long statistics, int n);

    /**
     * Its gradients.
     *
     * @param ofWeight added to
     */
    void rmsNormGradient(long ofX, long g, long x, long weight, long statistics, long ofWeight, int n);

    /**
     * The first 2·half numbers turn: i with i + half by the angle of {@code cos[i]}, {@code sin[i]}; the others stay.
     *
     * @param sign of the sine
     */
    void rotate(long y, long x, long cos, long sin, float sign, int half, int n);

    /** One step of AdamW; the correction of the moments is in the step's numbers. */
    void adam(long value, long gradient, long first, long second, AdamStep step, int n);

    /**
     * {@code first = beta1 first + (1 - beta1) s g}, {@code second} likewise of squares, and {@code value = kept value -
     * rate first / (sqrt(second) / root2 + epsilon)}.
     *
     * @param scale s, of the gradient
     * @param kept what decay leaves of a value
     * @param rate learning rate over the first moment's correction
     * @param inverseRoot one over the root of the second moment's correction
     */
    record AdamStep(float scale, float beta1, float beta2, float kept, float rate, float inverseRoot, float epsilon) {}
}
