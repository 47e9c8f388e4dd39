package org.mohawk4j.backend.cuda.op.tensor;

import java.util.Comparator;
import java.util.List;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.LayoutOps;
import org.mohawk4j.backend.cuda.compile.CudaKernels;
import org.mohawk4j.backend.cuda.compile.ElementType;
import org.mohawk4j.backend.cuda.memory.CudaArray;
import org.mohawk4j.backend.cuda.memory.CudaPool;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;

/** Rearranging. Arrays are contiguous, so only what stays so is a view. */
public final class CudaLayout implements LayoutOps {
    private static final String SOURCE = StridedCopy.SOURCE;

    private final CudaPool pool;
    private final CudaKernels kernels;
    private final CudaMemory memory;

    public CudaLayout(CudaPool pool, CudaKernels kernels, CudaMemory memory) {
        this.memory = memory;
        this.pool = pool;
        this.kernels = kernels;
    }

    @Override
    public Array reshape(Array x, Shape shape) {
        return pool.view(CudaArray.cast(x), 0, shape);
    }

    @Override
    public Array permute(Array x, int... order) {
        long[] strides = Indexing.strides(x.shape());
        long[] dims = new long[order.length];
        long[] from = new long[order.length];
        for (int i = 0; i < order.length; i++) {
            dims[i] = x.shape().dim(order[i]);
            from[i] = strides[order[i]];
        }
        return rearranged(CudaArray.cast(x), 0, Shape.of(dims), from);
    }

    @Override
    public Array narrow(Array x, int axis, long from, long length) {
        long[] strides = Indexing.strides(x.shape());
        return rearranged(CudaArray.cast(x), from * strides[axis], x.shape().with(axis, length), strides);
    }

    @Override
    public Array broadcast(Array x, Shape shape) {
        return copied(
                CudaArray.cast(x),
                0,
                new Indexing(shape, Indexing.strides(shape), Indexing.repeated(x.shape(), shape)),
                shape);
    }

    /** A view where the result is contiguous, else a copy. */
    private Array rearranged(CudaArray x, long offset, Shape shape, long... strides) {
        Indexing at = new Indexing(shape, Indexing.strides(shape), strides);
        if (at.isContiguous()) {
            return pool.view(x, offset, shape);
        }
        return copied(x, offset, at, shape);
    }

    private CudaArray copied(CudaArray x, long offset, Indexing at, Shape shape) {
        CudaArray y = pool.take(x.dtype(), shape);
        memory.copies().copy(y.address(), x.address() + offset * x.dtype().bytes(), x.dtype(), at, y.size());
        return y;
    }

    @Override
    public Array concat(List<Array> parts, int axis) {
        DType dtype = parts.stream()
                .map(Array::dtype)
                .max(Comparator.comparing(DType::bytes))
                .orElseThrow();
        long extent = parts.stream().mapToLong(part -> part.shape().dim(axis)).sum();
        CudaArray y = pool.take(dtype, parts.get(0).shape().with(axis, extent));
        long position = 0;
        for (Array part : parts) {
            memory.copyInto(y, axis, position, part);
            position += part.shape().dim(axis);
        }
        return y;
    }

    @Override
    public Array gatherRows(Array table, Array ids) {
        CudaArray rows = CudaArray.cast(table);
        long width = rows.shape().dim(1);
        CudaArray y = pool.take(rows.dtype(), ids.shape().insert(ids.shape().rank(), width));
        kernels.source(SOURCE)
                .kernel("gather_rows_" + rows.dtype().bytes())
                .each(
                        y.size(),
                        kernels.arguments().add(rows, ids, y).add(y.size()).add(width));
        return y;
    }

    @Override
    public Array scatterAddRows(Array rows, Array ids, long v) {
        DType sums = ElementType.accumulator(rows.dtype());
        CudaArray y = memory.full(Shape.of(v, rows.shape().dim(-1)), sums, 0);
        addRows(y, rows, ids);
        return memory.into(rows.dtype(), y);
    }

    /** Of bfloat16 too, where the table is float32. */
    @Override
    public void addRows(Array table, Array rows, Array ids) {
        kernels.get(SOURCE, "scatter_add_rows", rows.dtype())
                .blocks(
                        ids.shape().size(),
                        kernels.arguments()
                                .add(rows, ids, table)
                                .add(ids.shape().size())
                                .add(rows.shape().dim(-1)));
    }
}
