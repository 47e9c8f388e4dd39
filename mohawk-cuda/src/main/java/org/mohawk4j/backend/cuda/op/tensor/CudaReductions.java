package org.mohawk4j.backend.cuda.op.tensor;

import java.util.Optional;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.ReductionOps;
import org.mohawk4j.backend.cuda.compile.CudaKernels;
import org.mohawk4j.backend.cuda.compile.ElementType;
import org.mohawk4j.backend.cuda.compile.KernelArguments;
import org.mohawk4j.backend.cuda.memory.CudaArray;
import org.mohawk4j.backend.cuda.memory.CudaPool;
import org.mohawk4j.op.ArgMaxFunction.FusedArgMax;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;

/** What runs along an axis. The order of every sum follows from the shape alone. */
public final class CudaReductions implements ReductionOps, FusedArgMax {
    private static final String SOURCE = "op/tensor/reduction.cu";
    private static final int WARP = 32;
    private static final int MOST_THREADS = 1024;

    /** As in {@code reduction.cu}. */
    private static final int SUM = 0;

    private static final int MAX = 1;

    /** Rows up to this long get a warp, longer ones a block. */
    private static final long SHORT = 512;

    /** What one block or thread reduces at most before the work is shared among more. */
    private static final long SEGMENT = 4096;

    private static final long COLUMN_SEGMENT = 32;
    private static final long MOST_SEGMENTS = 1024;

    private final CudaPool pool;
    private final CudaKernels kernels;
    private final CudaMemory memory;

    public CudaReductions(CudaPool pool, CudaKernels kernels, CudaMemory memory) {
        this.memory = memory;
        this.pool = pool;
        this.kernels = kernels;
    }

    @Override
    public Array sum(Array x, int... axes) {
        CudaArray current = CudaArray.cast(x);
        boolean own = false;
        // neighboring axes are one run
        for (int last = axes.length - 1; last >= 0; ) {
            int first = last;
            while (first > 0 && axes[first - 1] == axes[first] - 1) {
                first--;
            }
            CudaArray sum = reduce(SUM, current, axes[first], axes[last]);
            if (own) {
                pool.release(current);
            }
            current = sum;
            own = true;
            last = first - 1;
        }
        return own ? current : memory.cast(current, current.dtype());
    }

    /** [rows, ...] added up to one row of the given shape, in the type that sums are kept in. */
    public CudaArray sumOfRows(CudaArray x, Shape shape) {
        long rows = x.size() / shape.size();
        CudaArray y = pool.take(ElementType.accumulator(x.dtype()), shape);
        if (shape.size() == 1) {
            rows(SUM, x, y, 1, rows);
        } else {
            columns(SUM, x, y, 1, rows, shape.size());
        }
        return y;
    }

    /** As {@link #sumOfRows}, and gives x back. */
    public CudaArray summed(CudaArray x, Shape shape) {
        CudaArray y = sumOfRows(x, shape);
        pool.release(x);
        return y;
    }

    @Override
    public Array max(Array x, int axis) {
        return reduce(MAX, CudaArray.cast(x), axis, axis);
    }

    private CudaArray reduce(int op, CudaArray x, int first, int last) {
        Shape result = x.shape();
        long outer = 1;
        long reduced = 1;
        long inner = 1;
        for (int axis = 0; axis < x.shape().rank(); axis++) {
            long extent = x.shape().dim(axis);
            if (axis < first) {
                outer *= extent;
            } else if (axis > last) {
                inner *= extent;
            } else {
                reduced *= extent;
                result = result.with(axis, 1);
            }
        }
        CudaArray y = pool.take(ElementType.accumulator(x.dtype()), result);
        if (inner == 1) {
            rows(op, x, y, outer, reduced);
        } else {
            columns(op, x, y, outer, reduced, inner);
        }
        return memory.into(x.dtype(), y);
    }

    private void rows(int op, CudaArray x, CudaArray y, long outer, long reduced) {
        if (reduced <= SHORT) {
            long rowsPerBlock = CudaKernels.THREADS / WARP;
            kernels.get(SOURCE, "reduce_short_rows", x.dtype())
                    .blocks(
                            (outer + rowsPerBlock - 1) / rowsPerBlock,
                            kernels.arguments().add(op).add(x, y).add(outer).add(reduced));
            return;
        }
        long length = Math.max(SEGMENT, (reduced + MOST_SEGMENTS - 1) / MOST_SEGMENTS);
        long segments = (reduced + length - 1) / length;
        CudaArray parts = segments == 1 ? y : pool.take(y.dtype(), Shape.of(outer, segments));
        kernels.get(SOURCE, "reduce_rows", x.dtype())
                .launch(
                        outer,
                        segments,
                        CudaKernels.THREADS,
                        0,
                        kernels.arguments().add(op).add(x, parts).add(reduced).add(length));
        if (segments > 1) {
            rows(op, parts, y, outer, segments);
            pool.release(parts);
        }
    }

    private void columns(int op, CudaArray x, CudaArray y, long outer, long reduced, long inner) {
        long length = Math.max(COLUMN_SEGMENT, (reduced + MOST_SEGMENTS - 1) / MOST_SEGMENTS);
        long segments = (reduced + length - 1) / length;
        CudaArray parts = segments == 1 ? y : pool.take(y.dtype(), Shape.of(outer, segments, inner));
        kernels.get(SOURCE, "reduce_columns", x.dtype())
                .each(
                        parts.size(),
                        kernels.arguments()
                                .add(op)
                                .add(x, parts)
                                .add(outer)
                                .add(reduced)
                                .add(inner)
                                .add(segments)
                                .add(length));
        if (segments > 1) {
            columns(op, parts, y, outer, segments, inner);
            pool.release(parts);
        }
    }

    @Override
    public Array argMax(Array x) {
        CudaArray places = pool.take(DType.INT32, Shape.of(x.shape().dim(0)));
        argMaxInto(places, x);
        return places;
    }

    @Override
    public void argMaxInto(Array target, Array x) {
        CudaArray in = CudaArray.cast(x);
        CudaArray y = CudaArray.cast(target);
        long rows = in.shape().dim(0);
        long columns = in.shape().dim(1);
        long segments = Math.max(1, Math.min(MOST_THREADS, columns / MOST_THREADS));
        if (segments == 1) {
            argMax(in, 1, Optional.empty(), Optional.empty(), y);
            return;
        }
        CudaArray places = pool.take(DType.INT32, Shape.of(rows, segments));
        CudaArray values = pool.take(ElementType.accumulator(in.dtype()), Shape.of(rows, segments));
        argMax(in, segments, Optional.empty(), Optional.of(values), places);
        argMax(values, 1, Optional.of(places), Optional.empty(), y);
        pool.release(places);
        pool.release(values);
    }

    /** Of each segment of x's rows. */
    private void argMax(
            CudaArray x, long segments, Optional<CudaArray> names, Optional<CudaArray> values, CudaArray y) {
        long columns = x.shape().dim(1);
        kernels.get(SOURCE, "arg_max", x.dtype())
                .overlapping()
                .launch(
                        x.shape().dim(0),
                        segments,
                        CudaKernels.THREADS,
                        0,
                        kernels.arguments()
                                .add(x)
                                .add(names)
                                .add(values)
                                .add(y)
                                .add(columns)
                                .add((columns + segments - 1) / segments));
    }

    @Override
    public Array cumsum(Array x, int axis, boolean reverse) {
        CudaArray in = CudaArray.cast(x);
        CudaArray y = pool.take(in.dtype(), in.shape());
        long extent = in.shape().dim(axis);
        long inner = Indexing.strides(in.shape())[axis];
        long outer = in.size() / (extent * inner);
        KernelArguments arguments = kernels.arguments().add(in, y);
        if (inner == 1) {
            kernels.get(SOURCE, "running_sum_rows", in.dtype())
                    .blocks(outer, arguments.add(extent).add(reverse ? 1 : 0));
        } else {
            kernels.get(SOURCE, "running_sum_columns", in.dtype())
                    .each(
                            outer * inner,
                            arguments.add(outer).add(extent).add(inner).add(reverse ? 1 : 0));
        }
        return y;
    }

    @Override
    public Array softmax(Array x) {
        CudaArray in = CudaArray.cast(x);
        CudaArray y = pool.take(in.dtype(), in.shape());
        long columns = in.shape().dim(-1);
        kernels.get(SOURCE, "softmax", in.dtype())
                .blocks(in.size() / columns, kernels.arguments().add(in, y).add(columns));
        return y;
    }
}
