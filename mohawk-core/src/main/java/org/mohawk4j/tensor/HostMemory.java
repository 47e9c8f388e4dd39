package org.mohawk4j.tensor;

import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Objects;
import java.util.Optional;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;

/**
 * Memory of the host for numbers of a model's size. It lies outside of the Java heap and is not counted against
 * {@code -XX:MaxDirectMemorySize}, which follows the heap's limit, and it is freed when it is closed: the garbage
 * collector, which would have to find out about direct buffers, plays no part.
 */
public final class HostMemory implements AutoCloseable {
    private final ByteBuffer bytes;
    private @Nullable Pointer memory;

    private HostMemory(Pointer memory, int bytes) {
        this.memory = memory;
        this.bytes = new BytePointer(memory).capacity(Math.max(1, bytes)).asByteBuffer();
        this.bytes.limit(bytes);
    }

    /**
     * Takes memory.
     *
     * @return empty if the system refuses
     */
    public static Optional<HostMemory> allocate(int bytes) {
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

    /** A view of all bytes, direct and little-endian. Not to be touched once this is closed. */
    public ByteBuffer bytes() {
        if (memory == null) {
            throw new IllegalStateException("the memory is closed");
        }
        return bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Frees the memory. */
    @Override
    public void close() {
        if (memory != null) {
            Pointer.free(Objects.requireNonNull(memory));
            memory = null;
        }
    }
}
