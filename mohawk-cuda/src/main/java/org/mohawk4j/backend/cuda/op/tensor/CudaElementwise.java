package org.mohawk4j.backend.cuda.op.tensor;

import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.BinaryOp;
import org.mohawk4j.backend.ElementwiseOps;
import org.mohawk4j.backend.MemoryOps;
import org.mohawk4j.backend.UnaryOp;
import org.mohawk4j.backend.cuda.compile.CudaKernels;
import org.mohawk4j.backend.cuda.compile.ElementType;
import org.mohawk4j.backend.cuda.compile.KernelArguments;
import org.mohawk4j.backend.cuda.memory.CudaArray;
import org.mohawk4j.backend.cuda.memory.CudaPool;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;

/** Element by element, one launch each. */
public final class CudaElementwise implements ElementwiseOps {
    private static final String SOURCE = CudaMemory.SOURCE;

    private final CudaPool pool;
    private final CudaKernels kernels;
    private final MemoryOps memory;

    public CudaElementwise(CudaPool pool, CudaKernels kernels, MemoryOps memory) {
        this.pool = pool;
        this.kernels = kernels;
        this.memory = memory;
    }

    @Override
    public Array unary(UnaryOp op, Array x) {
        CudaArray in = CudaArray.cast(x);
        CudaArray y = pool.take(in.dtype(), in.shape());
        kernels.get(SOURCE, "unary", in.dtype())
                .each(
                        y.size(),
                        kernels.arguments().add(OpCode.of(op)).add(in, y).add(y.size()));
        return y;
    }

    @Override
    public Array binary(BinaryOp op, Array a, Array b) {
        if (!ElementType.pair(a.dtype(), b.dtype())) {
            return widened(op, a, b);
        }
        CudaArray left = CudaArray.cast(a);
        CudaArray right = CudaArray.cast(b);
        Shape shape = left.shape().broadcast(right.shape());
        CudaArray y = pool.take(ElementType.wider(a.dtype(), b.dtype()), shape);
        Indexing at =
                new Indexing(shape, Indexing.repeated(left.shape(), shape), Indexing.repeated(right.shape(), shape));
        KernelArguments arguments =
                kernels.arguments().add(OpCode.of(op)).add(left, right, y).add(y.size());
        if (at.isContiguous()) {
            kernels.get(SOURCE, "binary", a.dtype(), b.dtype()).each(CudaKernels.fours(y.size()), arguments);
        } else {
            kernels.get(SOURCE, "binary_broadcast", a.dtype(), b.dtype())
                    .each(y.size(), arguments.addStruct(at.fields()));
        }
        return y;
    }

    private Array widened(BinaryOp op, Array a, Array b) {
        boolean leftIsWider = a.dtype().bytes() > b.dtype().bytes();
        DType wide = leftIsWider ? a.dtype() : b.dtype();
        Array converted = memory.cast(leftIsWider ? b : a, wide);
        Array y = leftIsWider ? binary(op, a, converted) : binary(op, converted, b);
        memory.release(converted);
        return y;
    }

    @Override
    public Array affine(Array x, double scale, double shift) {
        CudaArray in = CudaArray.cast(x);
        CudaArray y = pool.take(in.dtype(), in.shape());
        kernels.get(SOURCE, "affine", in.dtype())
                .each(
                        y.size(),
                        kernels.arguments().add(in, y).add(y.size()).add(scale).add(shift));
        return y;
    }

    @Override
    public void accumulate(Array target, Array x, double scale) {
        CudaArray into = CudaArray.cast(target);
        if (!ElementType.pair(into.dtype(), x.dtype())) {
            Array converted = memory.cast(x, into.dtype());
            accumulate(target, converted, scale);
            memory.release(converted);
            return;
        }
        kernels.get(SOURCE, "accumulate", into.dtype(), x.dtype())
                .each(
                        CudaKernels.fours(into.size()),
                        kernels.arguments().add(into, x).add(into.size()).add(scale));
    }

    @Override
    public Array tril(Array x, long diagonal, double fill) {
        CudaArray in = CudaArray.cast(x);
        CudaArray y = pool.take(in.dtype(), in.shape());
        kernels.get(SOURCE, "lower_triangle", in.dtype())
                .each(
                        y.size(),
                        kernels.arguments()
                                .add(in, y)
                                .add(y.size())
                                .add(in.shape().dim(-2))
                                .add(in.shape().dim(-1))
                                .add(diagonal)
                                .add(fill));
        return y;
    }
}
