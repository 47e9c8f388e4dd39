package org.mohawk4j.backend.cuda.op.optimizer;

import java.util.List;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cuda.memory.CudaArray;
import org.mohawk4j.backend.cuda.op.Gpu;
import org.mohawk4j.op.AdamWFunction.FusedAdamW;
import org.mohawk4j.op.AdamWFunction.Hyperparameters;
import org.mohawk4j.op.AdamWFunction.Part;
import org.mohawk4j.op.AdamWFunction.Slot;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;

/** One launch for the update and two for the norm, however many parameters there are. */
public final class CudaAdamW implements FusedAdamW {
    private static final String SOURCE = "op/optimizer/optimizer.cu";

    /** Elements that a block takes. */
    private static final long CHUNK = 65_536;

    private final Gpu gpu;

    public CudaAdamW(Gpu gpu) {
        this.gpu = gpu;
    }

    /** Parameters or parts of them, one after the other, and how many blocks they are shared among. */
    private static final class Table {
        /** Of the structure {@code Piece} in {@code optimizer.cu}. */
        private static final int FIELDS = 8;

        private final long[] numbers;
        private int filled;
        private long blocks;

        Table(int pieces) {
            numbers = new long[pieces * FIELDS];
        }

        void add(long value, long gradient, long firstMoment, long secondMoment, Part part) {
            long rateFactor = Double.doubleToRawLongBits(part.rateFactor());
            long weightDecay = Double.doubleToRawLongBits(part.weightDecay());
            for (long field : new long[] {
                value, gradient, firstMoment, secondMoment, part.count(), rateFactor, weightDecay, blocks
            }) {
                numbers[filled++] = field;
            }
            blocks += (part.count() + CHUNK - 1) / CHUNK;
        }

        long pieces() {
            return numbers.length / FIELDS;
        }
    }

    @Override
    public Array norm(List<Array> gradients) {
        DType dtype = gradients.get(0).dtype();
        Table table = new Table(gradients.size());
        for (Array array : gradients) {
            CudaArray gradient = CudaArray.cast(array);
            table.add(0, gradient.address(), 0, 0, new Part(gradient.size(), 1, 0));
        }
        CudaArray sent = upload(table);
        CudaArray parts = gpu.take(dtype, Shape.of(table.blocks));
        CudaArray norm = gpu.take(dtype, Shape.of());
        gpu.kernel(SOURCE, "squares", dtype)
                .blocks(
                        table.blocks,
                        gpu.arguments().add(sent).add(table.pieces()).add(CHUNK).add(parts));
        gpu.kernel(SOURCE, "root_of_sum", dtype)
                .blocks(1, gpu.arguments().add(parts, norm).add(parts.size()));
        gpu.release(sent);
        gpu.release(parts);
        return norm;
    }

    @Override
    public void update(List<Slot> slots, Array gradientScale, Hyperparameters h) {
        DType dtype = gradientScale.dtype();
        Table table =
                new Table(slots.stream().mapToInt(slot -> slot.parts().size()).sum());
        for (Slot slot : slots) {
            long from = 0;
            for (Part part : slot.parts()) {
                long skipped = from * dtype.bytes();
                table.add(
                        address(slot.value()) + skipped,
                        address(slot.gradient()) + skipped,
                        address(slot.firstMoment()) + skipped,
                        address(slot.secondMoment()) + skipped,
                        part);
                from += part.count();
            }
        }
        CudaArray sent = upload(table);
        gpu.kernel(SOURCE, "adamw", dtype)
                .blocks(
                        table.blocks,
                        gpu.arguments()
                                .add(sent)
                                .add(table.pieces())
                                .add(CHUNK)
                                .add(gradientScale)
                                .add(h.learningRate())
                                .add(h.beta1())
                                .add(h.beta2())
                                .add(h.epsilon())
                                .add(h.correction1())
                                .add(h.correction2()));
        gpu.release(sent);
    }

    private static long address(Tensor tensor) {
        return CudaArray.cast(tensor.array()).address();
    }

    private CudaArray upload(Table table) {
        CudaArray target = gpu.take(DType.INT64, Shape.of(table.numbers.length));
        long bytes = target.size() * Long.BYTES;
        gpu.staging().room(bytes).asLongBuffer().put(table.numbers);
        gpu.staging().send(target, bytes);
        return target;
    }
}
