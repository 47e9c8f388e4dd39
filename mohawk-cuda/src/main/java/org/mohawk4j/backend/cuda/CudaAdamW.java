package org.mohawk4j.backend.cuda;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.mohawk4j.backend.Array;
import org.mohawk4j.functional.AdamWFunction.AdamWKernel;
import org.mohawk4j.functional.AdamWFunction.Hyperparameters;
import org.mohawk4j.functional.AdamWFunction.Slot;
import org.mohawk4j.tensor.DType;
import org.mohawk4j.tensor.Shape;

/** One launch for the update and two for the norm, however many parameters there are. */
final class CudaAdamW implements AdamWKernel {
    private static final String SOURCE = "optimizer.cu";

    /** Elements that a block takes. */
    private static final long CHUNK = 65_536;

    private final CudaPool pool;
    private final CudaKernels kernels;
    private final Staging staging;

    CudaAdamW(CudaPool pool, CudaKernels kernels, Staging staging) {
        this.pool = pool;
        this.kernels = kernels;
        this.staging = staging;
    }

    /** The structure of that name in {@code optimizer.cu}, six fields each. */
    private record Piece(long value, long gradient, long firstMoment, long secondMoment, long count, long decayed) {}

    @Override
    public Array norm(List<Array> gradients) {
        DType dtype = gradients.get(0).dtype();
        List<Piece> pieces = new ArrayList<>();
        for (Array array : gradients) {
            CudaArray gradient = CudaArray.cast(array);
            for (long from = 0; from < gradient.size(); from += CHUNK) {
                long count = Math.min(CHUNK, gradient.size() - from);
                pieces.add(new Piece(0, gradient.address() + from * dtype.bytes(), 0, 0, count, 0));
            }
        }
        CudaArray table = upload(pieces);
        CudaArray parts = pool.take(dtype, Shape.of(pieces.size()));
        CudaArray norm = pool.take(dtype, Shape.of());
        kernels.get(SOURCE, "squares", dtype)
                .launch(
                        pieces.size(),
                        1,
                        CudaKernels.THREADS,
                        0,
                        kernels.arguments().add(table).add(parts));
        kernels.get(SOURCE, "root_of_sum", dtype)
                .launch(
                        1,
                        1,
                        CudaKernels.THREADS,
                        0,
                        kernels.arguments().add(parts).add(norm).add(parts.size()));
        pool.release(table);
        pool.release(parts);
        return norm;
    }

    @Override
    public void update(List<Slot> slots, Array gradientScale, Hyperparameters h) {
        DType dtype = gradientScale.dtype();
        List<Piece> pieces = new ArrayList<>();
        for (Slot slot : slots) {
            CudaArray value = CudaArray.cast(slot.value().array());
            for (long from = 0; from < value.size(); from += CHUNK) {
                long offset = from * dtype.bytes();
                pieces.add(new Piece(
                        value.address() + offset,
                        CudaArray.cast(slot.gradient().array()).address() + offset,
                        CudaArray.cast(slot.firstMoment().array()).address() + offset,
                        CudaArray.cast(slot.secondMoment().array()).address() + offset,
                        Math.min(CHUNK, value.size() - from),
                        slot.decayed() ? 1 : 0));
            }
        }
        CudaArray table = upload(pieces);
        kernels.get(SOURCE, "adamw", dtype)
                .launch(
                        pieces.size(),
                        1,
                        CudaKernels.THREADS,
                        0,
                        kernels.arguments()
                                .add(table)
                                .add(CudaArray.cast(gradientScale))
                                .add(h.learningRate())
                                .add(h.beta1())
                                .add(h.beta2())
                                .add(h.epsilon())
                                .add(h.weightDecay())
                                .add(h.correction1())
                                .add(h.correction2()));
        pool.release(table);
    }

    private CudaArray upload(List<Piece> pieces) {
        int fields = 6;
        CudaArray table = pool.take(DType.INT64, Shape.of((long) pieces.size() * fields));
        long bytes = table.size() * Long.BYTES;
        ByteBuffer room = staging.room(bytes);
        for (Piece piece : pieces) {
            room.putLong(piece.value())
                    .putLong(piece.gradient())
                    .putLong(piece.firstMoment())
                    .putLong(piece.secondMoment())
                    .putLong(piece.count())
                    .putLong(piece.decayed());
        }
        staging.send(table, bytes);
        return table;
    }
}
