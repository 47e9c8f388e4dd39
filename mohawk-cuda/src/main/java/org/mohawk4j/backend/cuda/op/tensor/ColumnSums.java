package org.mohawk4j.backend.cuda.op.tensor;

import org.mohawk4j.backend.cuda.compile.CudaKernels;
import org.mohawk4j.backend.cuda.compile.ElementType;
import org.mohawk4j.backend.cuda.memory.CudaArray;
import org.mohawk4j.backend.cuda.memory.CudaPool;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;

/**
 * Room for sums over the columns of [rows, width], stretch by stretch of rows, as {@code columnStretch} in
 * {@code common.cuh} shares them among threads.
 *
 * @param parts [stretches, width]
 */
public record ColumnSums(CudaArray parts, long rows, long width) {
    /** Rows that one thread adds up. */
    public static final long STRETCH = 32;

    /** @param dtype of the numbers that are added up */
    public ColumnSums(CudaPool pool, DType dtype, long rows, long width) {
        this(pool.take(ElementType.accumulator(dtype), Shape.of(stretches(rows), width)), rows, width);
    }

    /** How many threads have something to do, if four columns go at once. */
    public static long threads(long rows, long width) {
        return CudaKernels.fours(stretches(rows) * width);
    }

    private static long stretches(long rows) {
        return (rows + STRETCH - 1) / STRETCH;
    }
}
