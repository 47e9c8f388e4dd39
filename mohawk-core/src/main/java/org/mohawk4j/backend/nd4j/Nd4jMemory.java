package org.mohawk4j.backend.nd4j;

import java.nio.ByteBuffer;
import java.util.Optional;
import org.bytedeco.javacpp.BytePointer;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.MemoryOps;
import org.mohawk4j.backend.cpu.op.CpuTensors;
import org.mohawk4j.backend.nd4j.array.Extents;
import org.mohawk4j.backend.nd4j.array.Nd4jArray;
import org.mohawk4j.backend.nd4j.array.Nd4jPool;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.HostSource;
import org.mohawk4j.tensor.types.Shape;
import org.nd4j.linalg.api.concurrency.AffinityManager.Location;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Memory of the ND4J backend. */
final class Nd4jMemory implements MemoryOps {
    private final Nd4jPool pool;

    /** Where arrays are in the memory of this process. */
    private final Optional<CpuTensors> cpu;

    Nd4jMemory(Nd4jPool pool, Optional<CpuTensors> cpu) {
        this.pool = pool;
        this.cpu = cpu;
    }

    @Override
    public Array upload(HostSource source, DType dtype) {
        Nd4jArray target = pool.take(dtype, source.shape());
        source.as(dtype).forEachPiece((from, piece) -> {
            ByteBuffer bytes = piece.data();
            bytes(target, from, bytes.remaining()).put(bytes);
        });
        Nd4j.getAffinityManager().tagLocation(target.values(), Location.HOST);
        return target;
    }

    @Override
    public void download(Array source, long from, ByteBuffer target) {
        Nd4jArray array = Nd4jArray.cast(source);
        Nd4j.getAffinityManager().ensureLocation(array.values(), Location.HOST);
        target.put(0, bytes(array, from, target.limit()), 0, target.limit());
    }

    /** Part of an array's memory. ND4J's own view of a block as a buffer ends at 2 GiB. */
    private static ByteBuffer bytes(Nd4jArray array, long from, int bytes) {
        long offset = (array.offset() + from) * array.dtype().bytes();
        return new BytePointer(array.block().buffer().pointer())
                .getPointer(offset)
                .capacity(bytes)
                .asByteBuffer();
    }

    @Override
    public Array full(Shape shape, DType dtype, double value) {
        Nd4jArray target = pool.take(dtype, shape);
        target.values().assign(value);
        return target;
    }

    @Override
    public Array cast(Array source, DType dtype) {
        Nd4jArray target = pool.take(dtype, source.shape());
        Nd4jArray.flat(target).assign(Nd4jArray.flat(source));
        return target;
    }

    @Override
    public void copyInto(Array target, Array source) {
        requireShape(source.shape(), target.shape());
        Nd4jArray.flat(target).assign(Nd4jArray.flat(source));
    }

    @Override
    public void copyInto(Array target, int axis, long from, Array source) {
        Shape whole = target.shape();
        requireShape(source.shape(), whole.with(axis, source.shape().dim(axis)));
        long outer = Extents.before(whole, axis);
        long inner = Extents.after(whole, axis);
        long length = source.shape().dim(axis) * inner;
        if (cpu.isPresent() && target.dtype() == source.dtype()) {
            long width = source.dtype().bytes();
            cpu.get()
                    .copy(
                            Nd4jArray.cast(target).address() + from * inner * width,
                            whole.dim(axis) * inner * width,
                            Nd4jArray.cast(source).address(),
                            length * width,
                            length * width,
                            outer);
            return;
        }
        INDArray region = Nd4jArray.shaped(target, outer, whole.dim(axis) * inner)
                .get(NDArrayIndex.all(), NDArrayIndex.interval(from * inner, from * inner + length));
        region.assign(Nd4jArray.shaped(source, outer, length));
    }

    @Override
    public boolean isShared(Array array) {
        return Nd4jArray.cast(array).block().isShared();
    }

    @Override
    public void release(Array array) {
        pool.release(Nd4jArray.cast(array));
    }

    @Override
    public long liveBytes() {
        return pool.liveBytes();
    }

    @Override
    public long peakBytes() {
        return pool.peakBytes();
    }

    @Override
    public long reservedBytes() {
        return pool.reservedBytes();
    }

    private static void requireShape(Shape actual, Shape expected) {
        if (!actual.equals(expected)) {
            throw new IllegalArgumentException("copy of shape " + actual + " into " + expected);
        }
    }
}
