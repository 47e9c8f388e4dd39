package org.mohawk4j.train.checkpoint;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;
import org.mohawk4j.backend.HostMemory;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.HostSource;

/**
 * A run's state at one place, on the host, where training no longer changes it. It takes as much of the host's memory
 * as the arrays have bytes, outside of the Java heap and of the limit for direct buffers; the next snapshot made of it
 * uses that memory again. Where the host has less, arrays stay where they are and are copied piece by piece as they are
 * written: training must wait until then.
 */
public final class Snapshot implements AutoCloseable {
    /** What is left to others of the memory that is available. */
    private static final double MARGIN = 0.1;

    private final LongSupplier available;
    private final Map<String, HostMemory> memory = new HashMap<>();
    private final Map<String, Map<String, HostSource>> files = new LinkedHashMap<>();
    private Position position;
    private ObjectNode state;
    private boolean copied = true;

    /**
     * @param state everything that is no array
     * @param available bytes that the host has left
     */
    public Snapshot(Position position, ObjectNode state, LongSupplier available) {
        this.position = position;
        this.state = state;
        this.available = available;
    }

    /** Starts over at another place, with the memory of before. */
    public void restart(Position place, ObjectNode values) {
        position = place;
        state = values;
        files.clear();
        copied = true;
    }

    /** Copies arrays, by name, for a file of their own, if there is room; no arrays, no file. */
    public void copy(String file, Map<String, Tensor> tensors) {
        long missing = tensors.entrySet().stream()
                .filter(entry ->
                        taken(key(file, entry.getKey()), entry.getValue()).isEmpty())
                .mapToLong(entry -> entry.getValue().nbytes())
                .sum();
        boolean room = missing == 0 || missing <= available.getAsLong() * (1 - MARGIN);
        Map<String, HostSource> sources = new LinkedHashMap<>();
        tensors.forEach((name, tensor) -> {
            Optional<HostMemory> target = room ? take(key(file, name), tensor) : Optional.empty();
            copied &= target.isPresent();
            sources.put(name, target.map(tensor::copyTo).orElseGet(tensor::inPieces));
        });
        put(file, sources);
    }

    private static String key(String file, String name) {
        return file + ":" + name;
    }

    private Optional<HostMemory> taken(String key, Tensor tensor) {
        return Optional.ofNullable(memory.get(key)).filter(found -> found.bytes() == tensor.nbytes());
    }

    private Optional<HostMemory> take(String key, Tensor tensor) {
        Optional<HostMemory> before = taken(key, tensor);
        if (before.isPresent()) {
            return before;
        }
        HostMemory outgrown = memory.remove(key);
        if (outgrown != null) {
            outgrown.close();
        }
        Optional<HostMemory> fresh = HostMemory.allocate(tensor.nbytes());
        fresh.ifPresent(found -> memory.put(key, found));
        return fresh;
    }

    /** Adds numbers that never change, by name, as a file of their own; none, no file. */
    public void put(String file, Map<String, ? extends HostSource> tensors) {
        if (!tensors.isEmpty()) {
            files.put(file, new LinkedHashMap<>(tensors));
        }
    }

    /** Whether training may go on while this is written; otherwise it is to be written first, on the same thread. */
    public boolean isCopied() {
        return copied;
    }

    Position position() {
        return position;
    }

    ObjectNode state() {
        return state;
    }

    /** The arrays, by file and name. */
    Map<String, Map<String, HostSource>> files() {
        return files;
    }

    /** Frees the memory. Nothing of this may be being written. */
    @Override
    public void close() {
        files.clear();
        memory.values().forEach(HostMemory::close);
        memory.clear();
    }
}
