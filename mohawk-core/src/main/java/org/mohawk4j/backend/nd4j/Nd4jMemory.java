package org.mohawk4j.backend.nd4j;

import java.nio.ByteBuffer;
import java.util.Optional;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.MemoryOps;
import org.mohawk4j.tensor.DType;
import org.mohawk4j.tensor.HostMemory;
import org.mohawk4j.tensor.HostTensor;
import org.mohawk4j.tensor.HostTensors;
import org.mohawk4j.tensor.Shape;
import org.nd4j.linalg.api.concurrency.AffinityManager.Location;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Memory of the ND4J backend. */
final class Nd4jMemory implements MemoryOps {
    private final Nd4jPool pool;

    Nd4jMemory(Nd4jPool pool) {
        this.pool = pool;
    }

    @Override
    public Array upload(HostTensor source, DType dtype) {
        Nd4jArray target = pool.take(dtype, source.shape());
        ByteBuffer bytes = HostTensors.convert(source, dtype).data();
        target.block().buffer().asNio().put(0, bytes, 0, bytes.remaining());
        Nd4j.getAffinityManager().tagLocation(target.values(), Location.HOST);
        return target;
    }

    @Override
    public void download(Array source, ByteBuffer target) {
        Nd4jArray array = Nd4jArray.cast(source);
        int size = Math.toIntExact(source.shape().size() * source.dtype().bytes());
        Nd4j.getAffinityManager().ensureLocation(array.values(), Location.HOST);
        int offset = Math.toIntExact(array.offset() * source.dtype().bytes());
        target.put(0, array.block().buffer().asNio(), offset, size);
    }

    @Override
    public Optional<HostMemory> allocateHost(int bytes) {
        Pointer taken = Pointer.malloc(Math.max(1, bytes));
        return taken == null || taken.isNull()
                ? Optional.empty()
                : Optional.of(new HostMemory(
                        new BytePointer(taken).capacity(bytes).asByteBuffer(), () -> Pointer.free(taken)));
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
        INDArray region = Nd4jArray.shaped(target, outer, whole.dim(axis) * inner)
                .get(NDArrayIndex.all(), NDArrayIndex.interval(from * inner, from * inner + length));
        region.assign(Nd4jArray.shaped(source, outer, length));
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
