package org.mohawk4j.backend.nd4j;

import java.util.List;
import java.util.Optional;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.LayoutOps;
import org.mohawk4j.backend.cpu.op.CpuTensors;
import org.mohawk4j.backend.nd4j.array.Extents;
import org.mohawk4j.backend.nd4j.array.Nd4jArray;
import org.mohawk4j.backend.nd4j.array.Nd4jExec;
import org.mohawk4j.backend.nd4j.array.Nd4jPool;
import org.mohawk4j.backend.nd4j.array.Nd4jSingles;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.factory.Nd4j;

/** Layout operations of the ND4J backend. Only what stays contiguous is a view. */
final class Nd4jLayout implements LayoutOps {
    private final Nd4jPool pool;

    /** Where arrays are in the memory of this process. */
    private final Optional<CpuTensors> cpu;

    Nd4jLayout(Nd4jPool pool, Optional<CpuTensors> cpu) {
        this.pool = pool;
        this.cpu = cpu;
    }

    @Override
    public Array reshape(Array x, Shape shape) {
        return Nd4jArray.cast(x).view(0, shape);
    }

    @Override
    public Array permute(Array x, int... order) {
        long[] dims = new long[order.length];
        for (int i = 0; i < dims.length; i++) {
            dims[i] = x.shape().dim(order[i]);
        }
        Shape shape = Shape.of(dims);
        if (keepsOrder(x.shape(), order)) {
            return reshape(x, shape);
        }
        Nd4jArray y = pool.take(x.dtype(), shape);
        y.values().assign(Nd4jArray.values(x).permute(order));
        return y;
    }

    /** Whether only extents of 1 move. */
    private static boolean keepsOrder(Shape shape, int... order) {
        int last = -1;
        for (int axis : order) {
            if (shape.dim(axis) != 1) {
                if (axis < last) {
                    return false;
                }
                last = axis;
            }
        }
        return true;
    }

    @Override
    public Array narrow(Array x, int axis, long from, long length) {
        Shape shape = x.shape().with(axis, length);
        long outer = Extents.before(x.shape(), axis);
        long inner = Extents.after(x.shape(), axis);
        if (outer == 1) {
            return Nd4jArray.cast(x).view(from * inner, shape);
        }
        Nd4jArray y = pool.take(x.dtype(), shape);
        if (cpu.isPresent()) {
            long width = x.dtype().bytes();
            cpu.get()
                    .copy(
                            y.address(),
                            length * inner * width,
                            Nd4jArray.cast(x).address() + from * inner * width,
                            x.shape().dim(axis) * inner * width,
                            length * inner * width,
                            outer);
            return y;
        }
        int[] beginAndSize = {0, Math.toIntExact(from * inner), Math.toIntExact(outer), Math.toIntExact(length * inner)
        };
        Nd4jExec.run(
                "slice",
                y.shaped(outer, length * inner),
                beginAndSize,
                Nd4jArray.shaped(x, outer, x.shape().dim(axis) * inner));
        return y;
    }

    @Override
    public Array concat(List<Array> parts, int axis) {
        Array first = parts.get(0);
        long outer = Extents.before(first.shape(), axis);
        long extent = 0;
        INDArray[] values = new INDArray[parts.size()];
        for (int i = 0; i < values.length; i++) {
            Array part = parts.get(i);
            values[i] = Nd4jArray.shaped(part, outer, part.shape().size() / outer);
            extent += part.shape().dim(axis);
        }
        Nd4jArray y = pool.take(first.dtype(), first.shape().with(axis, extent));
        Nd4jExec.run("concat", y.shaped(outer, y.shape().size() / outer), new int[] {1}, values);
        return y;
    }

    @Override
    public Array broadcast(Array x, Shape shape) {
        return Nd4jElementwise.repeated(pool, x, shape);
    }

    @Override
    public Array gatherRows(Array table, Array ids) {
        long width = table.shape().dim(1);
        long count = ids.shape().size();
        Nd4jArray y = pool.take(table.dtype(), ids.shape().insert(ids.shape().rank(), width));
        if (Nd4jSingles.serves(Nd4jArray.cast(table))) {
            Nd4jSingles.gather(Nd4jArray.cast(table), Nd4jArray.cast(ids), y);
            return y;
        }
        if (cpu.isPresent() && table.dtype() == DType.FLOAT32) {
            cpu.get().gatherRows(table, ids, y);
            return y;
        }
        Nd4jExec.run("gather", y.shaped(count, width), new int[] {0}, Nd4jArray.values(table), Nd4jArray.flat(ids));
        return y;
    }

    @Override
    public Array scatterAddRows(Array rows, Array ids, long v) {
        Nd4jArray y = pool.take(rows.dtype(), Shape.of(v, rows.shape().dim(-1)));
        y.values().assign(0);
        addRows(y, rows, ids);
        return y;
    }

    @Override
    public void addRows(Array table, Array rows, Array ids) {
        Nd4jArray y = Nd4jArray.cast(table);
        if (Nd4jSingles.serves(y)) {
            Nd4jSingles.scatterAdd(Nd4jArray.cast(rows), Nd4jArray.cast(ids), y);
            return;
        }
        if (cpu.isPresent() && table.dtype() == DType.FLOAT32 && rows.dtype() == DType.FLOAT32) {
            cpu.get().addRows(table, rows, ids);
            return;
        }
        long count = ids.shape().size();
        Nd4j.getExecutioner()
                .exec(DynamicCustomOp.builder("scatter_add")
                        .addInputs(
                                y.values(),
                                Nd4jArray.flat(ids),
                                Nd4jArray.shaped(rows, count, rows.shape().dim(-1)))
                        .addOutputs(y.values())
                        .addBooleanArguments(true)
                        .build());
    }
}
