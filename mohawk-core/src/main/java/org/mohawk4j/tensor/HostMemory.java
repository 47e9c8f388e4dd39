package org.mohawk4j.tensor;

import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;

/**
 * Host memory for numbers of a model's size. It lies outside of the Java heap, is not counted against
 * {@code -XX:MaxDirectMemorySize}, which follows the heap's limit, and is freed when it is closed, not by the garbage
 * collector. Its size is not limited to that of one buffer.
 */
public final class HostMemory implements AutoCloseable {
    /** Of one buffer; a power of two, so that a buffer holds whole elements. */
    private static final int BUFFER_BYTES = 1 << 30;

    private final long bytes;
    private @Nullable Pointer memory;

    private HostMemory(Pointer memory, long bytes) {
        this.memory = memory;
        this.bytes = bytes;
    }

    /**
     * Takes memory.
     *
     * @return empty if the system refuses
     */
    public static Optional<HostMemory> allocate(long bytes) {
        Pointer taken = Pointer.malloc(Math.max(1, bytes));
        return taken == null || taken.isNull() ? Optional.empty() : Optional.of(new HostMemory(taken, bytes));
    }

    /** What this process may still take, of the machine and of its container, as far as the system tells. */
    public static long availableBytes() {
        long ofMachine = Pointer.availablePhysicalBytes();
        return ManagementFactory.getOperatingSystemMXBean() instanceof com.sun.management.OperatingSystemMXBean system
                ? Math.min(ofMachine, system.getTotalMemorySize() - Pointer.physicalBytes())
                : ofMachine;
    }

    public long bytes() {
        return bytes;
    }

    /**
     * Copies a tensor's numbers into this memory.
     *
     * @return the numbers, valid until this is closed
     * @throws IllegalArgumentException if the tensor has another size
     */
    public HostSource copyOf(Tensor tensor) {
        if (bytesOf(tensor) != bytes) {
            throw new IllegalArgumentException(
                    "memory of " + bytes + " bytes for " + tensor.dtype() + " " + tensor.shape());
        }
        List<ByteBuffer> buffers = buffers();
        long from = 0;
        for (ByteBuffer buffer : buffers) {
            tensor.toHost(from, buffer);
            from += buffer.limit() / tensor.dtype().bytes();
        }
        return HostSource.of(tensor.dtype(), tensor.shape(), buffers);
    }

    /** The bytes of a tensor's numbers. */
    public static long bytesOf(Tensor tensor) {
        return tensor.shape().size() * tensor.dtype().bytes();
    }

    /** Views of all bytes in their order, direct and little-endian. */
    private List<ByteBuffer> buffers() {
        if (memory == null) {
            throw new IllegalStateException("the memory is closed");
        }
        List<ByteBuffer> buffers = new ArrayList<>();
        for (long from = 0; from < bytes; from += BUFFER_BYTES) {
            BytePointer start = new BytePointer(memory).getPointer(from);
            int length = (int) Math.min(BUFFER_BYTES, bytes - from);
            buffers.add(start.capacity(length).asByteBuffer().order(ByteOrder.LITTLE_ENDIAN));
        }
        return buffers;
    }

    /** Frees the memory. */
    @Override
    public void close() {
        if (memory != null) {
            Pointer.free(memory);
            memory = null;
        }
    }
}
