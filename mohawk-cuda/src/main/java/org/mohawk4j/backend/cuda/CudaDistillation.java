package org.mohawk4j.backend.cuda;

import java.util.Optional;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.ElementwiseOps;
import org.mohawk4j.backend.MemoryOps;
import org.mohawk4j.functional.DistillationFunction.DistillationKernel;
import org.mohawk4j.functional.DistillationFunction.Operands;
import org.mohawk4j.functional.DistillationFunction.Weights;
import org.mohawk4j.tensor.DType;
import org.mohawk4j.tensor.Shape;

/** The loss of stage 3 with its gradients, some rows of logits at a time: all of them never exist at once. */
final class CudaDistillation implements DistillationKernel {
    private static final String SOURCE = "distillation.cu";

    /** Logits of one side that exist at a time. */
    private static final long LOGITS_AT_ONCE = 1L << 27;

    private final CudaPool pool;
    private final CudaKernels kernels;
    private final CudaMatmul matmul;
    private final CudaReductions reductions;
    private final MemoryOps memory;
    private final ElementwiseOps elementwise;

    CudaDistillation(
            CudaPool pool,
            CudaKernels kernels,
            CudaMatmul matmul,
            CudaReductions reductions,
            MemoryOps memory,
            ElementwiseOps elementwise) {
        this.pool = pool;
        this.kernels = kernels;
        this.matmul = matmul;
        this.reductions = reductions;
        this.memory = memory;
        this.elementwise = elementwise;
    }

    @Override
    public Result forward(Operands teacher, Operands student, Optional<Array> labels, Weights weights, Wanted wanted) {
        DType dtype = student.hidden().dtype();
        long vocabulary = student.weight().shape().dim(0);
        long width = student.hidden().shape().dim(-1);
        long rows = student.hidden().shape().size() / width;
        long chunk = Math.max(1, Math.min(rows, LOGITS_AT_ONCE / vocabulary));
        CudaArray losses = pool.take(dtype, Shape.of(rows));
        Optional<Array> hidden = zeros(wanted.hidden(), student.hidden().shape(), dtype);
        Optional<Array> weight = zeros(wanted.weight(), student.weight().shape(), dtype);
        Optional<Array> bias = zeros(wanted.bias(), Shape.of(vocabulary), dtype);
        for (long next = 0; next < rows; next += chunk) {
            long from = next;
            long count = Math.min(chunk, rows - from);
            CudaArray input = rowsOf(student.hidden(), from, count);
            CudaArray gradient = logits(teacher, from, count);
            CudaArray logits = CudaArray.cast(matmul.matmul(input, false, student.weight(), true));
            CudaArray loss = pool.view(losses, from, Shape.of(count));
            kernels.get(SOURCE, "distillation", dtype)
                    .launch(
                            count,
                            1,
                            CudaKernels.THREADS,
                            0,
                            kernels.arguments()
                                    .add(gradient)
                                    .add(teacher.bias())
                                    .add(logits)
                                    .add(student.bias())
                                    .add(address(labels, from))
                                    .add(loss)
                                    .add(vocabulary)
                                    .add(rows)
                                    .add(weights.temperature())
                                    .add(weights.hardLabelShare()));
            pool.release(loss);
            pool.release(logits);
            hidden.ifPresent(all -> fill(all, from, matmul.matmul(gradient, false, student.weight(), false)));
            weight.ifPresent(all -> add(all, matmul.matmul(gradient, true, input, false)));
            bias.ifPresent(all -> add(all, reductions.sumOfRows(gradient, all.shape())));
            pool.release(gradient);
            pool.release(input);
        }
        CudaArray loss = reductions.summed(losses, Shape.of());
        return new Result(loss, hidden, weight, bias);
    }

    private CudaArray logits(Operands head, long from, long count) {
        CudaArray input = rowsOf(head.hidden(), from, count);
        CudaArray logits = CudaArray.cast(matmul.matmul(input, false, head.weight(), true));
        pool.release(input);
        return logits;
    }

    private CudaArray rowsOf(Array hidden, long from, long count) {
        long width = hidden.shape().dim(-1);
        return pool.view(CudaArray.cast(hidden), from * width, Shape.of(count, width));
    }

    private Optional<Array> zeros(boolean needed, Shape shape, DType dtype) {
        return needed ? Optional.of(memory.full(shape, dtype, 0)) : Optional.empty();
    }

    private void fill(Array target, long from, Array rows) {
        CudaArray place = rowsOf(target, from, rows.shape().dim(0));
        memory.copyInto(place, rows);
        pool.release(place);
        memory.release(rows);
    }

    private void add(Array target, Array part) {
        elementwise.accumulate(target, part, 1);
        memory.release(part);
    }

    private static long address(Optional<Array> array, long from) {
        return array.map(CudaArray::cast)
                .map(own -> own.address() + from * own.dtype().bytes())
                .orElse(0L);
    }
}
