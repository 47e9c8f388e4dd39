package org.mohawk4j.backend;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
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
    private static final Path LINUX = Path.of("/proc/meminfo");
    private static final String AVAILABLE = "MemAvailable:";
    private static final String TOTAL = "MemTotal:";
    private static final long KIB = 1024;

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

    /**
     * What this process may still take, as far as the system tells. Of a machine, what its file cache would give up
     * counts; of a container with a limit of its own it does not.
     */
    public static long availableBytes() {
        if (!(ManagementFactory.getOperatingSystemMXBean()
                instanceof com.sun.management.OperatingSystemMXBean system)) {
            return Long.MAX_VALUE;
        }
        boolean isWholeMachine = system.getTotalMemorySize() >= linux(TOTAL);
        return isWholeMachine ? Math.max(linux(AVAILABLE), system.getFreeMemorySize()) : system.getFreeMemorySize();
    }

    /** A value of Linux; 0 elsewhere. */
    private static long linux(String name) {
        try {
            return Files.exists(LINUX)
                    ? Files.readAllLines(LINUX).stream()
                            .filter(line -> line.startsWith(name))
                            .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * KIB)
                            .findFirst()
                            .orElse(0)
                    : 0;
        } catch (IOException e) {
            return 0;
        }
    }

    public long bytes() {
        return bytes;
    }

    /** Views of all bytes in their order, direct and little-endian, each of whole elements. Valid until this is closed. */
    public List<ByteBuffer> buffers() {
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
