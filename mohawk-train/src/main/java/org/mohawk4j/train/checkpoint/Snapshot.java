package org.mohawk4j.train.checkpoint;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.mohawk4j.tensor.HostSource;
import org.mohawk4j.tensor.Tensor;

/**
 * A run's state at one place, on the host, where training no longer changes it. It takes as much of the host's memory
 * as the arrays have bytes; the next snapshot made of it uses that memory again.
 */
public final class Snapshot {
    /** Of one buffer; a power of two, so that a buffer holds whole elements. */
    private static final int MOST_BYTES = 1 << 30;

    private final Map<String, List<ByteBuffer>> memory = new HashMap<>();
    private final Map<String, Map<String, HostSource>> files = new LinkedHashMap<>();
    private Position position;
    private ObjectNode state;

    /** @param state everything that is no array */
    public Snapshot(Position position, ObjectNode state) {
        this.position = position;
        this.state = state;
    }

    /** Starts over at another place, with the memory of before. */
    public void restart(Position place, ObjectNode values) {
        position = place;
        state = values;
        files.clear();
    }

    /** Copies arrays, by name, for a file of their own; no arrays, no file. */
    public void copy(String file, Map<String, Tensor> tensors) {
        Map<String, HostSource> copies = new LinkedHashMap<>();
        tensors.forEach((name, tensor) -> {
            long bytes = tensor.shape().size() * tensor.dtype().bytes();
            List<ByteBuffer> chunks = memory.compute(
                    file + ":" + name, (key, old) -> old != null && sizeOf(old) == bytes ? old : allocate(bytes));
            long from = 0;
            for (ByteBuffer chunk : chunks) {
                tensor.toHost(from, chunk);
                from += chunk.limit() / tensor.dtype().bytes();
            }
            copies.put(name, HostSource.of(tensor.dtype(), tensor.shape(), chunks));
        });
        put(file, copies);
    }

    private static long sizeOf(List<ByteBuffer> chunks) {
        return chunks.stream().mapToLong(ByteBuffer::capacity).sum();
    }

    private static List<ByteBuffer> allocate(long bytes) {
        List<ByteBuffer> chunks = new ArrayList<>();
        for (long left = bytes; left > 0; left -= MOST_BYTES) {
            chunks.add(ByteBuffer.allocateDirect((int) Math.min(MOST_BYTES, left)));
        }
        return chunks;
    }

    /** Adds numbers that never change, by name, as a file of their own; none, no file. */
    public void put(String file, Map<String, ? extends HostSource> tensors) {
        if (!tensors.isEmpty()) {
            files.put(file, new LinkedHashMap<>(tensors));
        }
    }

    Position position() {
        return position;
    }

    ObjectNode state() {
        return state;
    }

    Map<String, Map<String, HostSource>> files() {
        return files;
    }
}
