package org.mohawk4j.backend.cpu;

import static org.bytedeco.openblas.global.openblas_nolapack.CblasNoTrans;
import static org.bytedeco.openblas.global.openblas_nolapack.CblasRowMajor;
import static org.bytedeco.openblas.global.openblas_nolapack.CblasTrans;
import static org.bytedeco.openblas.global.openblas_nolapack.cblas_sgemm;

import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/** What one thread computes with: rows, matrix products, working memory. */
public final class Lane implements AutoCloseable {
    private final Rows rows;
    private final Scratch scratch = new Scratch();
    private final Place a = new Place();
    private final Place b = new Place();
    private final Place c = new Place();

    Lane(Rows rows) {
        this.rows = rows;
    }

    /** A pointer that is moved instead of allocated again. */
    private static final class Place extends FloatPointer {
        Place() {
            super((Pointer) null);
        }

        Place at(long start) {
            address = start;
            return this;
        }
    }

    public Rows rows() {
        return rows;
    }

    /** Emptied before each task. */
    public Scratch scratch() {
        return scratch;
    }

    /**
     * {@code C = alpha A B + beta C} by this thread alone.
     *
     * @param sizes of C [m,n] and what is summed over
     * @param left A [m,k], or [k,m] transposed
     * @param right B [k,n], or [n,k] transposed
     */
    public void gemm(Sizes sizes, float alpha, Matrix left, Matrix right, float beta, Matrix target) {
        cblas_sgemm(
                CblasRowMajor,
                left.transposed() ? CblasTrans : CblasNoTrans,
                right.transposed() ? CblasTrans : CblasNoTrans,
                Math.toIntExact(sizes.m()),
                Math.toIntExact(sizes.n()),
                Math.toIntExact(sizes.k()),
                alpha,
                a.at(left.address()),
                Math.toIntExact(left.stride()),
                b.at(right.address()),
                Math.toIntExact(right.stride()),
                beta,
                c.at(target.address()),
                Math.toIntExact(target.stride()));
    }

    /** Extents of a product. */
    public record Sizes(long m, long n, long k) {}

    /**
     * A matrix in memory.
     *
     * @param stride from one row to the next, in elements
     */
    public record Matrix(long address, long stride, boolean transposed) {
        public Matrix(long address, long stride) {
            this(address, stride, false);
        }

        public Matrix transpose() {
            return new Matrix(address, stride, !transposed);
        }

        /** From another row and column on; of a transposed one as it lies in memory. */
        public Matrix from(long row, long column) {
            return new Matrix(address + (row * stride + column) * Float.BYTES, stride, transposed);
        }
    }

    @Override
    public void close() {
        scratch.close();
    }
}
