package org.mohawk4j.backend;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.Supplier;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.HostSource;
import org.mohawk4j.tensor.types.HostTensor;
import org.mohawk4j.tensor.types.Shape;

/** Getting numbers in and out of a backend, and giving memory back. */
public interface MemoryOps {
    /** Copies host numbers, of any type, into a new array of type {@code dtype}. */
    Array upload(HostSource source, DType dtype);

    /** Copies an array to the host, in its own type; waits until it is computed. */
    default HostTensor download(Array source) {
        int size = Math.toIntExact(source.shape().size() * source.dtype().bytes());
        ByteBuffer bytes = ByteBuffer.allocateDirect(size).order(ByteOrder.LITTLE_ENDIAN);
        download(source, bytes);
        return new HostTensor(source.dtype(), source.shape(), bytes);
    }

    /**
     * As {@link #download(Array)}, into memory of the caller's.
     *
     * @param target direct, with room from position 0 to its limit for exactly the array's bytes; its position stays
     */
    default void download(Array source, ByteBuffer target) {
        download(source, 0, target);
    }

    /**
     * As {@link #download(Array, ByteBuffer)}, of part of an array: as many elements as the target has room for.
     *
     * @param from index of the first one, row-major
     */
    void download(Array source, long from, ByteBuffer target);

    /**
     * As {@link #download(Array)}, of what the array holds once the work queued so far is done. Work that is queued
     * afterwards goes on meanwhile.
     *
     * @return waits for the numbers; to be asked once
     */
    default Supplier<HostTensor> downloadBehind(Array source) {
        HostTensor now = download(source);
        return () -> now;
    }

    /** A new array with every element {@code value}. */
    Array full(Shape shape, DType dtype, double value);

    /** A new array with the same numbers, of type {@code dtype}. */
    Array cast(Array source, DType dtype);

    /** Overwrites {@code target} with {@code source}, of the same shape; converts the type. */
    void copyInto(Array target, Array source);

    /** Overwrites positions {@code from ..} of one axis of {@code target}; the other extents are equal. */
    void copyInto(Array target, int axis, long from, Array source);

    /** Whether other arrays may lie in the same memory, so that a change of this one may be a change of theirs. */
    default boolean isShared(Array array) {
        return true;
    }

    /** Gives the memory of an array back; views made from it stay valid until they are released themselves. */
    void release(Array array);

    /** Bytes handed out and not yet released. */
    long liveBytes();

    /** The most bytes that were handed out at one time since the backend was opened. */
    long peakBytes();

    /** Bytes held from the system, pooled ones included. */
    long reservedBytes();
}
