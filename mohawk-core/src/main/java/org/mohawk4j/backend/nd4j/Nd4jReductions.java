package org.mohawk4j.backend.nd4j;

import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.ReductionOps;
import org.mohawk4j.backend.nd4j.array.Extents;
import org.mohawk4j.backend.nd4j.array.Nd4jArray;
import org.mohawk4j.backend.nd4j.array.Nd4jExec;
import org.mohawk4j.backend.nd4j.array.Nd4jPool;
import org.mohawk4j.backend.nd4j.array.Nd4jScratch;
import org.mohawk4j.tensor.types.Shape;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.reduce.longer.MatchCondition;
import org.nd4j.linalg.api.ops.impl.reduce.same.Max;
import org.nd4j.linalg.api.ops.impl.transforms.floating.Sqrt;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.conditions.Conditions;

/**
 * Reductions of the ND4J backend. Sums are products with a vector of ones: ND4J's own sum along a leading axis takes
 * forty times as long.
 */
final class Nd4jReductions implements ReductionOps {
    private final Nd4jPool pool;

    Nd4jReductions(Nd4jPool pool) {
        this.pool = pool;
    }

    @Override
    public Array sum(Array x, int... axes) {
        if (axes.length == 0) {
            Nd4jArray copy = pool.take(x.dtype(), x.shape());
            Nd4jArray.flat(copy).assign(Nd4jArray.flat(x));
            return copy;
        }
        Array current = x;
        int last = axes.length - 1;
        while (last >= 0) {
            int first = last;
            while (first > 0 && axes[first - 1] == axes[first] - 1) {
                first--;
            }
            Nd4jArray sum = sumRun(current, axes[first], axes[last]);
            if (current != x) {
                pool.release(Nd4jArray.cast(current));
            }
            current = sum;
            last = first - 1;
        }
        return current;
    }

    /** Sums over neighboring axes. */
    private Nd4jArray sumRun(Array x, int first, int last) {
        Shape shape = x.shape();
        long outer = Extents.before(shape, first);
        long reduced = Extents.between(shape, first, last + 1);
        long inner = Extents.after(shape, last);
        Shape result = shape;
        for (int axis = first; axis <= last; axis++) {
            result = result.with(axis, 1);
        }
        Nd4jArray y = pool.take(x.dtype(), result);
        if (reduced == 1) {
            Nd4jArray.flat(y).assign(Nd4jArray.flat(x));
        } else if (outer > 1 && inner > 1) {
            Nd4jArray.shaped(x, outer, reduced, inner).sum(y.shaped(outer, inner), 1);
        } else if (inner == 1) {
            multiply(Nd4jArray.shaped(x, outer, reduced), pool.ones(x.dtype(), reduced, 1), y.shaped(outer, 1));
        } else {
            multiply(pool.ones(x.dtype(), 1, reduced), Nd4jArray.shaped(x, reduced, inner), y.shaped(1, inner));
        }
        return y;
    }

    private static void multiply(INDArray a, INDArray b, INDArray target) {
        Nd4j.matmul(a, b, target, false, false, false);
    }

    @Override
    public Array max(Array x, int axis) {
        long outer = Extents.before(x.shape(), axis);
        long inner = Extents.after(x.shape(), axis);
        Nd4jArray y = pool.take(x.dtype(), x.shape().with(axis, 1));
        long extent = x.shape().dim(axis);
        if (extent == 1) {
            Nd4jArray.flat(y).assign(Nd4jArray.flat(x));
            return y;
        }
        INDArray in = inner == 1 ? Nd4jArray.shaped(x, outer, extent) : Nd4jArray.shaped(x, outer, extent, inner);
        INDArray out = inner == 1 ? y.shaped(outer) : y.shaped(outer, inner);
        Nd4j.getExecutioner().exec(new Max(in, out, 1));
        restoreNan(in, out);
        return y;
    }

    /** ND4J's maximum passes over NaN; finding it takes twenty times as long, a sum tells when there is none. */
    private static void restoreNan(INDArray x, INDArray maximum) {
        INDArray flat = x.reshape('c', new long[] {x.length()});
        if (!Double.isNaN(flat.sumNumber().doubleValue())) {
            return;
        }
        try (INDArray counts = Nd4j.getExecutioner().exec(new MatchCondition(x, Conditions.isNan(), 1));
                INDArray found = counts.castTo(maximum.dataType())) {
            // 0 where there is none, NaN where there is one
            found.negi();
            Nd4j.getExecutioner().exec(new Sqrt(found, found));
            maximum.addi(found);
        }
    }

    @Override
    public Array cumsum(Array x, int axis, boolean reverse) {
        long[] dims = {Extents.before(x.shape(), axis), x.shape().dim(axis), Extents.after(x.shape(), axis)};
        Nd4jArray y = pool.take(x.dtype(), x.shape());
        Nd4jExec.run("cumsum", y.shaped(dims), new int[] {0, reverse ? 1 : 0, 1}, Nd4jArray.shaped(x, dims));
        return y;
    }

    @Override
    public Array softmax(Array x) {
        Nd4jArray y = pool.take(x.dtype(), x.shape());
        try (Nd4jScratch work = new Nd4jScratch(pool, x.dtype())) {
            work.softmax(Nd4jArray.rows(y), Nd4jArray.rows(x));
        }
        return y;
    }
}
