package org.mohawk4j.backend.cuda.op.loss;

import java.util.Optional;
import java.util.stream.Stream;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cuda.compile.CudaKernels;
import org.mohawk4j.backend.cuda.compile.ElementType;
import org.mohawk4j.backend.cuda.memory.CudaArray;
import org.mohawk4j.backend.cuda.op.Gpu;
import org.mohawk4j.op.loss.DistillationFunction.FusedDistillation;
import org.mohawk4j.op.loss.DistillationFunction.Operands;
import org.mohawk4j.op.loss.DistillationFunction.Weights;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;

/** The loss of stage 3 with its gradients, some rows of logits at a time: all of them never exist at once. */
public final class CudaDistillation implements FusedDistillation {
    private static final String SOURCE = "op/loss/distillation.cu";

    /** Logits of one side that exist at a time at least, if nothing else is asked for: a gigabyte. */
    private static final long LOGITS_AT_ONCE = 1L << 28;

    /** The share of a device's memory that they may take: the gradient by the head is read and written for each chunk. */
    private static final long SHARE = 48;

    /** Chunks are whole tiles of products, so that these leave no multiprocessor idle. */
    private static final long TILE = 256;

    private static final int MOST_THREADS = 1024;
    private static final int FIRST_WITH_CLUSTERS = 9;
    private static final int MOST_BLOCKS = 8;

    /** What sums over a block need beside a row, at most. */
    private static final int OTHER_SHARED_BYTES = 2048;

    private final Gpu gpu;
    private final long logitsAtOnce;

    /** How many logits of one side may exist at a time on a device with so much memory, if nothing else is asked for. */
    public static long logitsAtOnce(long memoryBytes) {
        return Math.max(LOGITS_AT_ONCE, memoryBytes / SHARE / Float.BYTES);
    }

    /** @param logitsAtOnce of one side that exist at a time, about */
    public CudaDistillation(Gpu gpu, long logitsAtOnce) {
        this.gpu = gpu;
        this.logitsAtOnce = logitsAtOnce;
    }

    @Override
    public Result forward(Operands teacher, Operands student, Optional<Array> labels, Weights weights, Wanted wanted) {
        try (Side target = new Side(teacher, false);
                Side side = new Side(student, wanted.weight())) {
            long rows = student.hidden().shape().dim(0);
            long chunk = chunk(rows, side.vocabulary());
            CudaArray losses = gpu.take(side.logitType(), Shape.of(rows));
            Sums sums = new Sums(student, wanted);
            for (long next = 0; next < rows; next += chunk) {
                long from = next;
                long count = Math.min(chunk, rows - from);
                CudaArray expected = target.logits(from, count);
                CudaArray logits = side.logits(from, count);
                // narrow ones do not fit into the place of the teacher's logits
                CudaArray gradient = side.operandType() == side.logitType()
                        ? gpu.view(expected, 0, expected.shape())
                        : gpu.take(side.operandType(), expected.shape());
                CudaArray loss = gpu.view(losses, from, Shape.of(count));
                boolean fours = isInFours(side, expected, logits, gradient, teacher.bias(), student.bias());
                Form form = form(side, fours);
                form.kernel()
                        .launch(
                                count * form.blocks(),
                                1,
                                form.sharedBytes() > 0 ? MOST_THREADS : CudaKernels.THREADS,
                                form.sharedBytes(),
                                gpu.arguments()
                                        .add(expected)
                                        .add(teacher.bias())
                                        .add(logits)
                                        .add(student.bias())
                                        .add(address(labels, from))
                                        .add(loss, gradient)
                                        .add(side.vocabulary())
                                        .add(rows)
                                        .add(weights.temperature())
                                        .add(weights.hardLabelShare()));
                gpu.release(loss);
                gpu.release(logits);
                gpu.release(expected);
                sums.add(side, gradient, from, count);
                gpu.release(gradient);
            }
            return new Result(gpu.reductions().summed(losses, Shape.of()), sums.hidden, sums.weight, sums.bias);
        }
    }

    /**
     * How rows are taken.
     *
     * @param blocks that share one, a cluster if there are several
     * @param sharedBytes in which a block keeps its part of the student's logits; 0: none are kept
     */
    private record Form(CudaKernels.CudaFunction kernel, int blocks, int sharedBytes) {}

    /** Kept by as few blocks as have room, else read again from memory. */
    private Form form(Side side, boolean fours) {
        for (int blocks = 1; fours && blocks <= mostBlocks(); blocks *= 2) {
            long each = (side.vocabulary() + 4L * blocks - 1) / (4L * blocks) * 4 * Float.BYTES;
            if (each <= gpu.device().sharedBytes() - OTHER_SHARED_BYTES) {
                String name = ElementType.named(
                        blocks == 1 ? "distillation_kept" : "distillation_shared",
                        side.logitType(),
                        side.operandType());
                CudaKernels.Source source = blocks == 1 ? gpu.source(SOURCE) : gpu.source(SOURCE, "CLUSTER=" + blocks);
                return new Form(source.kernel(name), blocks, Math.toIntExact(each));
            }
        }
        return new Form(gpu.kernel(SOURCE, "distillation", side.logitType(), side.operandType()), 1, 0);
    }

    /** What any device with clusters can bring together. */
    private int mostBlocks() {
        return gpu.device().major() >= FIRST_WITH_CLUSTERS ? MOST_BLOCKS : 1;
    }

    /** Whether four neighbors may be moved at once, and are float32. */
    private boolean isInFours(
            Side side,
            CudaArray expected,
            CudaArray logits,
            CudaArray gradient,
            Optional<Array> teacherBias,
            Optional<Array> studentBias) {
        return side.logitType() == DType.FLOAT32
                && CudaKernels.inFours(side.vocabulary(), expected, logits, gradient)
                && Stream.of(teacherBias, studentBias)
                        .flatMap(Optional::stream)
                        .allMatch(bias -> CudaKernels.inFours(side.vocabulary(), CudaArray.cast(bias)));
    }

    /** Rows at a time: as few chunks as the limit allows, all of one size but the last. */
    private long chunk(long rows, long vocabulary) {
        long most = Math.max(1, logitsAtOnce / vocabulary);
        long chunks = (rows + most - 1) / most;
        long even = (rows + chunks - 1) / chunks;
        return most < TILE ? even : (even + TILE - 1) / TILE * TILE;
    }

    /** One model's hidden states and head, in the type that they are multiplied in. */
    private final class Side implements AutoCloseable {
        private final CudaArray hidden;
        private final CudaArray weight;
        private final DType logitType;

        Side(Operands given, boolean trained) {
            logitType = ElementType.accumulator(given.weight().dtype());
            hidden = gpu.as(gpu.matmul().operands(logitType), given.hidden());
            weight = gpu.parameter(gpu.matmul().operands(logitType), given.weight(), trained);
        }

        DType operandType() {
            return weight.dtype();
        }

        DType logitType() {
            return logitType;
        }

        long vocabulary() {
            return weight.shape().dim(0);
        }

        CudaArray logits(long from, long count) {
            CudaArray input = rowsOf(hidden, from, count);
            CudaArray logits = gpu.matmul().product(input, false, weight, true, logitType);
            gpu.release(input);
            return logits;
        }

        @Override
        public void close() {
            gpu.release(hidden);
            gpu.release(weight);
        }
    }

    /** The gradients by the student's hidden states and head, growing from chunk to chunk. */
    private final class Sums {
        private final Optional<Array> hidden;
        private final Optional<Array> weight;
        private final Optional<Array> bias;

        Sums(Operands student, Wanted wanted) {
            hidden = place(wanted.hidden(), student.hidden());
            weight = place(wanted.weight(), student.weight());
            bias = wanted.bias()
                    ? Optional.of(gpu.memory()
                            .full(
                                    Shape.of(student.weight().shape().dim(0)),
                                    student.weight().dtype(),
                                    0))
                    : Optional.empty();
        }

        private Optional<Array> place(boolean wanted, Array like) {
            return wanted ? Optional.of(gpu.take(like.dtype(), like.shape())) : Optional.empty();
        }

        void add(Side side, CudaArray gradient, long from, long count) {
            hidden.ifPresent(all -> {
                CudaArray place = rowsOf(CudaArray.cast(all), from, count);
                gpu.matmul().product(gradient, false, side.weight, false, place, false);
                gpu.release(place);
            });
            weight.ifPresent(all -> {
                CudaArray input = rowsOf(side.hidden, from, count);
                gpu.matmul().product(gradient, true, input, false, CudaArray.cast(all), from > 0);
                gpu.release(input);
            });
            bias.ifPresent(all -> {
                CudaArray part = gpu.reductions().sumOfRows(gradient, all.shape());
                gpu.elementwise().accumulate(all, part, 1);
                gpu.release(part);
            });
        }
    }

    private CudaArray rowsOf(CudaArray all, long from, long count) {
        long width = all.shape().dim(-1);
        return gpu.view(all, from * width, Shape.of(count, width));
    }

    private static long address(Optional<Array> array, long from) {
        return array.map(CudaArray::cast)
                .map(own -> own.address() + from * own.dtype().bytes())
                .orElse(0L);
    }
}
