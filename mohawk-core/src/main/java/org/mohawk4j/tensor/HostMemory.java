package org.mohawk4j.tensor;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Memory of the host for numbers of a model's size, from a backend. It lies outside of the Java heap and is not counted
 * against {@code -XX:MaxDirectMemorySize}, which follows the heap's limit, and it is freed when it is closed: the garbage
 * collector, which would have to find out about direct buffers, plays no part.
 */
public final class HostMemory implements AutoCloseable {
    private static final Path LINUX = Path.of("/proc/meminfo");
    private static final String AVAILABLE = "MemAvailable:";
    private static final String TOTAL = "MemTotal:";
    private static final long KIB = 1024;

    private final ByteBuffer bytes;
    private @Nullable Runnable free;

    /**
     * @param bytes direct
     * @param free gives them back
     */
    public HostMemory(ByteBuffer bytes, Runnable free) {
        this.bytes = bytes;
        this.free = free;
    }

    /**
     * What this process may still take, as far as the system tells. Of a machine, what its file cache would give up
     * counts; of a container with a limit of its own it does not.
     */
    public static long availableBytes() {
        if (!(ManagementFactory.getOperatingSystemMXBean() instanceof com.sun.management.OperatingSystemMXBean system)) {
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

    /** A view of all bytes, direct and little-endian. Not to be touched once this is closed. */
    public ByteBuffer bytes() {
        if (free == null) {
            throw new IllegalStateException("the memory is closed");
        }
        return bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Frees the memory. */
    @Override
    public void close() {
        if (free != null) {
            free.run();
            free = null;
        }
    }
}
