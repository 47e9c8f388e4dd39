package org.mohawk4j.backend.cpu;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.Pointer;

/** Working memory of one thread, taken piece by piece and given back all at once. */
public final class Scratch implements AutoCloseable {
    private static final long ALIGNMENT = 64;
    private static final long LEAST = 1L << 20;

    private final List<Pointer> retired = new ArrayList<>();
    private Pointer memory = Pointer.malloc(1);
    private long capacity;
    private long used;

    /** Memory of that many floats with whatever was there before, at a multiple of 64 bytes. */
    public long take(long floats) {
        long bytes = (floats * Float.BYTES + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        if (used + bytes > capacity) {
            long larger = Math.max(LEAST, 2 * Math.max(capacity, bytes));
            Pointer fresh = Pointer.malloc(larger + ALIGNMENT);
            if (fresh == null || fresh.isNull()) {
                throw new OutOfMemoryError("no " + larger + " bytes for working memory");
            }
            retired.add(memory);
            memory = fresh;
            capacity = larger;
            used = 0;
        }
        long start = (memory.address() + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT + used;
        used += bytes;
        return start;
    }

    /** What was taken is free again. */
    void reset() {
        used = 0;
        if (!retired.isEmpty()) {
            retired.forEach(Pointer::free);
            retired.clear();
        }
    }

    @Override
    public void close() {
        reset();
        Pointer.free(memory);
    }
}
