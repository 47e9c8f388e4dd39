package org.mohawk4j.backend.nd4j.array;

import java.util.ArrayList;
import java.util.List;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;
import org.nd4j.linalg.api.blas.params.MMulTranspose;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.reduce.Mmul;
import org.nd4j.linalg.api.ops.impl.reduce.same.Max;
import org.nd4j.linalg.api.ops.impl.transforms.strict.Exp;
import org.nd4j.linalg.api.ops.impl.transforms.strict.Sigmoid;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Working arrays of a fused kernel, given back when it ends, and the operations that kernels are written in. Each
 * operation writes into an array that exists, which may be one of its inputs: a pass over memory is what costs on a CPU.
 */
public final class Nd4jScratch implements AutoCloseable {
    private final Nd4jPool pool;
    private final DType dtype;
    private final List<Nd4jArray> taken = new ArrayList<>();

    public Nd4jScratch(Nd4jPool pool, DType dtype) {
        this.pool = pool;
        this.dtype = dtype;
    }

    /** A working array with whatever was there before. */
    public INDArray take(long... dims) {
        return taken(Shape.of(dims)).values();
    }

    /** As {@link #take}, to be looked at in several shapes. */
    public Nd4jArray taken(Shape shape) {
        Nd4jArray array = pool.take(dtype, shape);
        taken.add(array);
        return array;
    }

    /** As {@link Nd4jPool#ones}. */
    public INDArray ones(long... dims) {
        return pool.ones(dtype, dims);
    }

    /** An array that outlives the kernel. */
    public Nd4jArray result(Shape shape) {
        return pool.take(dtype, shape);
    }

    /** {@code target = left op right}, broadcasting; op is one of ND4J's names. */
    public static void apply(String op, INDArray target, INDArray left, INDArray right) {
        Nd4jExec.run(op, target, left, right);
    }

    public static void add(INDArray target, INDArray left, INDArray right) {
        apply("add", target, left, right);
    }

    public static void subtract(INDArray target, INDArray left, INDArray right) {
        apply("subtract", target, left, right);
    }

    public static void multiply(INDArray target, INDArray left, INDArray right) {
        apply("multiply", target, left, right);
    }

    public static void exp(INDArray target, INDArray x) {
        Nd4j.getExecutioner().exec(new Exp(x, target));
    }

    public static void sigmoid(INDArray target, INDArray x) {
        Nd4j.getExecutioner().exec(new Sigmoid(x, target));
    }

    /** {@code target = a b}, either side transposed first. */
    public static void matmul(INDArray target, INDArray a, boolean transposeA, INDArray b, boolean transposeB) {
        Nd4j.matmul(a, b, target, transposeA, transposeB, false);
    }

    /** {@code target += a b} for matrices, either side transposed first. */
    public static void accumulateMatmul(
            INDArray target, INDArray a, boolean transposeA, INDArray b, boolean transposeB) {
        MMulTranspose transpose = MMulTranspose.builder()
                .transposeA(transposeA)
                .transposeB(transposeB)
                .transposeResult(false)
                .build();
        Nd4j.getExecutioner().exec(new Mmul(a, b, target, 1, 1, transpose));
    }

    /** Row maxima [R,1] of x [R,C]. */
    public static void rowMaxima(INDArray target, INDArray x) {
        Nd4j.getExecutioner().exec(new Max(x, target.reshape('c', new long[] {x.size(0)}), 1));
    }

    /** Softmax of each row of x [R,C]. ND4J's own shifts by the maximum in float32 only. */
    public void softmax(INDArray target, INDArray x) {
        INDArray shifted = x;
        if (dtype != DType.FLOAT32) {
            INDArray largest = take(x.size(0), 1);
            rowMaxima(largest, x);
            subtract(target, x, largest);
            shifted = target;
        }
        Nd4jExec.run("softmax", target, shifted);
    }

    /** Row sums [R,1] of x [R,C], scaled. */
    public void rowSums(INDArray target, INDArray x, double scale) {
        matmul(target, x, false, ones(x.size(1), 1), false);
        if (scale != 1) {
            target.muli(scale);
        }
    }

    /** Column sums [C] of x [R,C]. */
    public void columnSums(INDArray target, INDArray x) {
        matmul(target.reshape('c', new long[] {1, x.size(1)}), ones(1, x.size(0)), false, x, false);
    }

    @Override
    public void close() {
        taken.forEach(pool::release);
    }
}
