package org.mohawk4j.backend;

/** Element by element. */
public interface ElementwiseOps {
    Array unary(UnaryOp op, Array x);

    /** With NumPy broadcasting of either side, aligned at the last axis. */
    Array binary(BinaryOp op, Array a, Array b);

    /** {@code scale * x + shift}. */
    Array affine(Array x, double scale, double shift);

    /** {@code target += scale * x}, shapes equal; x may be the target itself. */
    void accumulate(Array target, Array x, double scale);

    /**
     * Keeps what lies on or below a diagonal of the last two axes and puts {@code fill} above it.
     *
     * @param x [..., R, C], finite above the diagonal
     * @param diagonal 0 keeps column ≤ row, k keeps column ≤ row + k
     * @param fill finite
     */
    Array tril(Array x, long diagonal, double fill);
}
